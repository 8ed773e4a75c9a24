"""A person at a real terminal: cipmux in a tmux window, keys in, screen out, nc as the other end."""
import os
import re
import select
import shlex
import subprocess
import tempfile
import time

import modem as e2e
from modem import PATIENCE, Case, main


class Window:
    """A tmux server of its own with one window in which a command runs."""

    def __init__(self, command):
        self.folder = tempfile.TemporaryDirectory(prefix="cipmux-e2e-")
        self.socket = os.path.join(self.folder.name, "tmux")
        pipe = os.path.join(self.folder.name, "screen")
        os.mkfifo(pipe)
        self.fd = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self.text = ""
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "50", "-s", "w",
                  f"read start; HOME={self.folder.name} {command}; echo ended with $?; read end")
        self.tmux("pipe-pane", "-t", "w", f"cat >{shlex.quote(pipe)}")
        self.keys("Enter")

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, *words], check=True, capture_output=True, text=True,
                              timeout=PATIENCE, env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}).stdout

    def keys(self, *keys):
        self.tmux("send-keys", "-t", "w", *keys)

    def type(self, text):
        self.tmux("send-keys", "-t", "w", "-l", text)
        self.keys("Enter")

    def see(self, pattern, patience=PATIENCE):
        """Waits until the pattern was printed behind what was seen before."""
        deadline = time.monotonic() + patience
        while True:
            found = re.search(pattern, self.text)
            if found:
                self.text = self.text[found.end():]
                return found
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"waited for {pattern!r}; not seen in {self.text!r}\nscreen:\n"
                                     + self.tmux("capture-pane", "-p", "-t", "w"))
            self.text += os.read(self.fd, 65536).decode(errors="replace")

    def close(self):
        self.tmux("kill-server")
        os.close(self.fd)
        self.folder.cleanup()


class Terminal(Case):
    def netcat(self):
        """nc that listens; its process and port."""
        nc = subprocess.Popen(["nc", "-v", "-l", "127.0.0.1", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        for closing in (nc.wait, nc.kill, nc.stdin.close, nc.stdout.close, nc.stderr.close):
            self.addCleanup(closing)
        line = nc.stderr.readline().decode()
        return nc, int(re.search(r"(\d+)\s*$", line).group(1))

    def test_typed_session(self):
        """Typed on a terminal: Enter works, joining, a link to nc, sending, receiving, closing, Ctrl-] q"""
        nc, port = self.netcat()
        window = self.wire(Window(shlex.quote(e2e.PROGRAM)))
        window.see("ready")
        window.type("AT")
        window.see(r"AT\r*\n\r*\n?OK\r*\n")
        window.type("AT+CWMODE=1")
        window.see(r"OK\r*\n")
        window.type('AT+CWJAP="lab","password"')
        window.see(r"WIFI CONNECTED\r*\nWIFI GOT IP\r*\n\r*\nOK\r*\n")
        window.type(f'AT+CIPSTART="TCP","10.0.2.2",{port}')
        window.see(r"CONNECT\r*\n\r*\nOK\r*\n")
        window.type("AT+CIPSEND=5")
        window.see(r"OK\r*\n> ")
        window.tmux("send-keys", "-t", "w", "-l", "hello")
        window.see(r"Recv 5 bytes\r*\n\r*\nSEND OK\r*\n")
        self.assertEqual(nc.stdout.read(5), b"hello")
        nc.stdin.write(b"good day")
        nc.stdin.flush()
        window.see(r"\+IPD,8:good day")
        window.type("AT+CIPCLOSE")
        window.see(r"CLOSED\r*\n\r*\nOK\r*\n")
        nc.wait(PATIENCE)
        window.keys("C-]", "q")
        window.see("ended with 0")

    def test_typing_mistakes(self):
        """Typed on a terminal: Backspace edits the line before it is sent"""
        window = self.wire(Window(shlex.quote(e2e.PROGRAM)))
        window.see("ready")
        window.tmux("send-keys", "-t", "w", "-l", "AT+GMX")
        window.keys("BSpace")
        window.type("R")
        window.see(r"AT version:1\.7\.6")
        window.see(r"OK\r*\n")
        window.keys("C-]", "q")
        window.see("ended with 0")


if __name__ == "__main__":
    main()
