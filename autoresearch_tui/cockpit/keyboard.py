"""What comes in from a terminal, where some of it may be no text: a paste in Latin-1, a key with its eighth bit set, noise on a line."""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver


class Keyboard(LinuxDriver):
    """Textual ends the screen, with a traceback, at the first byte that is not UTF-8. Here that is no key, and the next one counts."""

    def run_input_thread(self) -> None:
        while not self.exit_event.is_set():
            try:
                super().run_input_thread()
            except UnicodeDecodeError:
                continue
