"""What the stand-ins for OpenAI's protocol may do instead of answering: each fault by its name."""

from __future__ import annotations

import email.utils
import time

REPLY = "<idea>matrix LR 0.04 -> 0.05</idea>\n<why>A little more.</why>\n<edit>\nSET MATRIX_LR = 0.05\n</edit>\n"
THOUGHT = "The matrices learn slowly. "

STATUSES = {
    "401": (401, "Incorrect API key provided: sk-canary", "invalid_api_key"),
    "402": (402, "Insufficient credits. Add more using https://example.invalid", ""),
    "403": (403, "Your input was flagged by moderation", ""),
    "404": (404, "The model `toy` does not exist.", "NotFoundError"),
    "413": (413, "Request Entity Too Large", ""),
    "429": (429, "Rate limit exceeded", "rate_limit_error"),
    "429 for 7 s": (429, "Rate limit exceeded", "rate_limit_error"),
    "429 until a date": (429, "Rate limit exceeded", "rate_limit_error"),
    "429 of a quota": (429, "You exceeded your current quota", "insufficient_quota"),
    "500": (500, "Internal Server Error", "server_error"),
    "502": (502, "Bad gateway", ""),
    "503": (503, "The queue is full", "unavailable_error"),
    "loading": (503, "Loading model", "unavailable_error"),
    "529": (529, "Overloaded", "overloaded_error"),
}
"""Status, words and code of each."""

STREAMED = {
    "thinking only": ("", "stop", THOUGHT),
    "thinking until cut": ("", "length", THOUGHT),
    "empty": ("", "stop", ""),
    "cut": (REPLY[:-20], "length", ""),
    "refusal": ("I cannot", "content_filter", ""),
}
"""Reply, why it ended, and thinking."""

BROKEN = ("silent", "closed", "error", "error of vllm", "error of lmstudio", "error of llamacpp", "garbage", "half a line")
FAULTS = (*STATUSES, *STREAMED, *BROKEN, "window", "slow", "closed at once", "50 MB", "whole")


def headers_of(fault: str) -> dict[str, str]:
    if fault == "429 for 7 s":
        return {"retry_after": "7"}
    if fault == "429 until a date":
        return {"retry_after": email.utils.formatdate(time.time() + 30, usegmt=True)}
    return {}
