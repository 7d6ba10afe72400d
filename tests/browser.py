"""A Chromium of our own to open a page in: keys and clicks go in, what it shows and what it wanted from the network come out.

It is driven by its DevTools protocol over two pipes, with no port open and nothing of the user's read or written: home and profile are
a folder of the test's. When the pipes close it ends, also when the test was killed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Self

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_S = 30.0
LEAVE_S = 5.0
LOOK_S = 0.05
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--password-store=basic",
    "--use-mock-keychain",
    "--remote-debugging-pipe",
)
EVENTS = ("Page", "Runtime", "Network", "Log")
SHIFT = 8
NAMED = {
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "Tab": (9, ""),
    "Backspace": (8, ""),
    "Delete": (46, ""),
    "ArrowLeft": (37, ""),
    "ArrowUp": (38, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
}


class Browser:
    """One window with one page, 1280 by 800 at first."""

    def __init__(self, folder: Path) -> None:
        self.requested: list[str] = []
        """What the page wanted, itself included; whether it got it or not."""
        self.said: list[str] = []
        """What it wrote to the console, the browser's complaints about it, and what its dialogs asked."""
        self._loaded = False
        self._unread = b""
        self._sent = 0
        profile = folder / "chromium"
        profile.mkdir()
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TZ")} | {"HOME": str(profile)}
        command = [CHROMIUM or "chromium", *SWITCHES, f"--user-data-dir={profile}", "--window-size=1280,800", "about:blank"]
        with (folder / "chromium.log").open("wb") as log:
            self._chromium = subprocess.Popen(  # it reads descriptor 3 and writes 4
                ["sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >&2', "sh", *command],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=profile, start_new_session=True,
            )  # fmt: skip
        self._session = ""
        try:
            target = self._call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in EVENTS:
                self._call(f"{domain}.enable")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """It is asked to leave, by its closed pipe; what is left of it after a moment is ended."""
        assert self._chromium.stdin and self._chromium.stdout
        self._chromium.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._chromium.wait(LEAVE_S)
        with contextlib.suppress(ProcessLookupError):  # all of them have left
            os.killpg(self._chromium.pid, signal.SIGKILL)
        self._chromium.wait()
        self._chromium.stdout.close()

    # ---- what a person does ----

    def open(self, url: str) -> None:
        """Go there, and wait until it is loaded."""
        self._loaded = False
        reply = self._call("Page.navigate", url=url)
        assert "errorText" not in reply, f"{url}: {reply['errorText']}"
        end = time.monotonic() + PATIENCE_S
        while not self._loaded:
            self._listen(end, f"{url} was not loaded")

    def press(self, *names: str) -> None:
        """Press these keys: a sign, or `Enter`, `Escape`, `Tab`, `ArrowDown` and their like."""
        for name in names:
            code, text = NAMED.get(name) or (ord(name.upper()) if name.isalnum() or name == " " else 0, name)
            key = {"key": name, "windowsVirtualKeyCode": code, "modifiers": SHIFT if len(name) == 1 and name.isupper() else 0}
            self._call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **key)
            self._call("Input.dispatchKeyEvent", type="keyUp", **key)

    def type(self, text: str) -> None:
        """Write this, letter by letter."""
        self.press(*text)

    def click(self, selector: str) -> None:
        """In the middle of the first element that this CSS selector finds."""
        where = self.evaluate(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)}); one.scrollIntoView({{block: 'center'}});"
            " const box = one.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=where[0], y=where[1], button="left", clickCount=1)

    # ---- what a person sees ----

    def evaluate(self, javascript: str) -> Any:
        """The value of an expression in the page; of a promise what it comes to."""
        reply = self._call("Runtime.evaluate", expression=javascript, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in reply, f"{javascript}: {reply['exceptionDetails']}"
        return reply["result"].get("value")

    def wait_for(self, javascript: str, seconds: float = PATIENCE_S) -> Any:
        """Until this is true of the page; its value. A page that is being loaded has no body yet, and nothing is true of it."""
        end = time.monotonic() + seconds
        while not (value := self.evaluate(f"document.body && ({javascript})")):
            shown = self.evaluate("document.body?.innerText ?? ''")
            assert time.monotonic() < end, f"not true after {seconds:g} s: {javascript}\n{shown[:4000]}"
            time.sleep(LOOK_S)
        return value

    def look(self, width: int = 1280, height: int = 800, dark: bool = False, media: str = "") -> None:
        """From now on through a window of this size, in a room of this light; as `print` has it, if that is asked."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        light = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", media=media, features=[light])

    def screenshot(self, file: Path, width: int = 1280, height: int | None = 800, dark: bool = False) -> None:
        """As PNG. With no height: the whole page."""
        self.look(width, height or 800, dark)
        if height is None:
            self.look(width, int(self.evaluate("Math.ceil(document.documentElement.getBoundingClientRect().height)")), dark)
        file.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"]))

    def print(self, file: Path) -> None:
        """As PDF, on paper of A4, with what colours the page asks for."""
        paper = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": False, "preferCSSPageSize": True}
        file.write_bytes(base64.b64decode(self._call("Page.printToPDF", **paper)["data"]))

    # ---- the protocol: messages in JSON, each with a zero behind it ----

    def _call(self, method: str, **given: Any) -> dict[str, Any]:
        number, end = self._send(method, given), time.monotonic() + PATIENCE_S
        while (reply := self._listen(end, f"no answer to {method}")).get("id") != number:
            continue
        assert "error" not in reply, f"{method}: {reply['error']}"
        found: dict[str, Any] = reply["result"]
        return found

    def _send(self, method: str, given: dict[str, Any]) -> int:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": given} | ({"sessionId": self._session} if self._session else {})
        assert self._chromium.stdin
        self._chromium.stdin.write(json.dumps(message).encode() + b"\0")
        self._chromium.stdin.flush()
        return self._sent

    def _listen(self, end: float, complaint: str) -> dict[str, Any]:
        """The next message; of an event it is remembered what it says."""
        assert self._chromium.stdout
        source = self._chromium.stdout.fileno()
        while b"\0" not in self._unread:
            readable, _, _ = select.select([source], [], [], max(0.0, end - time.monotonic()))
            assert readable, f"{complaint} within {PATIENCE_S:g} s"
            more = os.read(source, 2**20)
            assert more, f"{complaint}: Chromium has ended"
            self._unread += more
        first, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(first)
        self._remember(message.get("method", ""), message.get("params", {}))
        return message

    def _remember(self, event: str, said: dict[str, Any]) -> None:
        match event:
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requested.append(said["request"]["url"])
            case "Network.webSocketCreated":
                self.requested.append(said["url"])
            case "Runtime.consoleAPICalled":
                self.said.append(" ".join(str(one.get("value", one.get("description", ""))) for one in said["args"]))
            case "Runtime.exceptionThrown":
                self.said.append(str(said["exceptionDetails"]))
            case "Log.entryAdded":
                self.said.append(said["entry"]["text"])
            case "Page.javascriptDialogOpening":  # it waits for an answer, and everything else with it
                self.said.append(said["message"])
                self._send("Page.handleJavaScriptDialog", {"accept": False})
