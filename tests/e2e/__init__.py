"""The whole of it in a real terminal: a tmux of our own, or a pty whose other end we hold."""
