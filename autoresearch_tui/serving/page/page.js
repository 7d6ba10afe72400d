// What textual.js, which owns the terminal of this page, has to be told, and what it leaves to others: where the line is, how large a
// letter, keys for those who have none, and what to do when the line ends.
"use strict";

const terminal = document.querySelector("#terminal");
const body = document.body;
const WIDE = [100, 30]; // columns and rows of a screen that shows every pane
const NARROW = [45, 0]; // and of one that is read on a phone
const LETTERS = [16, 15, 14, 13, 12];
const SMALL = [...LETTERS, 11, 10];

const fits = (letter, [columns, rows]) =>
  terminal.clientWidth >= columns * letter * 0.601 && terminal.clientHeight >= rows * letter * 1.33;

const letter = () =>
  LETTERS.find((size) => fits(size, WIDE)) ?? SMALL.find((size) => fits(size, NARROW)) ?? SMALL.at(-1);

// ---- the line ----

const Line = window.WebSocket;
window.WebSocket = class extends Line {
  constructor(...given) {
    super(...given);
    this.addEventListener("close", (event) => {
      body.dataset.end = event.code === 1000 ? "left" : "lost";
      const what = body.dataset.end === "left" ? "This screen is closed." : "The connection is gone.";
      document.querySelector("#why").textContent = `${what} The night goes on without it.`;
    });
  }
};

async function reopen() {
  const answer = await fetch(location.href).catch(() => null);
  if (answer?.ok) {
    location.reload();
  } else {
    const why = answer ? await answer.text() : "Nothing answers here: is `autoresearch-tui serve` still at work, and the way to it open?";
    document.querySelector("#why").textContent = why;
  }
}

document.querySelector("#again").addEventListener("click", reopen);
document.addEventListener("visibilitychange", () => {
  // A phone that slept comes back to a line that is gone.
  if (document.visibilityState === "visible" && body.dataset.end === "lost") reopen();
});

// ---- keys ----

const input = () => document.querySelector(".xterm-helper-textarea");

function giveKeys() {
  // A tap is to press what stands there, and not to bring up letters over half of the screen.
  const keys = document.querySelector("#keys");
  keys.hidden = false;
  keys.addEventListener("mousedown", (event) => event.preventDefault()); // what is typed stays the terminal's
  keys.addEventListener("click", ({ target }) => {
    const { key, code } = target.dataset;
    if (key) {
      input().dispatchEvent(new KeyboardEvent("keydown", { key, keyCode: Number(code), bubbles: true, cancelable: true }));
    } else if (target.id === "keyboard") {
      input().inputMode = input().inputMode === "none" ? "text" : "none";
      input().blur();
      if (input().inputMode === "text") input().focus();
    }
  });
}

new MutationObserver((_, observer) => {
  if (body.classList.contains("-first-byte")) {
    observer.disconnect();
    if (touched) input().inputMode = "none";
    input().focus();
  }
}).observe(body, { attributeFilter: ["class"] });

// ---- the beginning, when all is there that is measured by it ----

const touched = matchMedia("(pointer: coarse)").matches;
if (touched) giveKeys();
const begin = window.onload;
window.onload = async (event) => {
  const styles = ["", "bold ", "italic "];
  await Promise.allSettled(styles.map((style) => document.fonts.load(`${style}16px "Roboto Mono"`)));
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  terminal.dataset.sessionWebsocketUrl = `${scheme}://${location.host}${location.pathname}ws`;
  terminal.dataset.fontSize = letter();
  begin(event);
};
