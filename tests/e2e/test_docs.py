"""What the documents show is true: transcripts are played by the runner, sessions and commands by the real program.

Fenced blocks of Markdown, by the words behind the fence:

  transcript    a file in the language of docs/TRANSCRIPTS.md, for the transcript runner
  sh            a command. `build/cipmux` alone opens a terminal with the modem; with --pty or --tcp something
                connects to it and asks AT; any other command runs beside it
  text modem    the modem's terminal: lines that begin with AT, and the data behind `> `, are typed, the others must
                appear, in this order
  text output   all that the latest sh command printed
  text file NAME    the file of that name in the folder in which the commands run

A comment `<!-- types: TEXT -->` types a line into the latest sh command. Ports of the documents are exchanged for
free ones.
"""
import os
import pathlib
import re
import shlex
import socket
import subprocess
import tempfile
import time

import modem as e2e
from modem import OK, PATIENCE, Case, Serial, main
from test_terminal import Window

TREE = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [TREE / "README.md", *sorted((TREE / "docs").glob("*.md"))]
PORTS = ("8080", "5000", "2323")  # of the documents' commands
# What differs from run to run: in the text of the documents, and what stands for it.
VARIABLE = ((r"(10\\\.0\\\.2\\\.2:)\d{5}", r"\1\\d+"), (r"(from\\ port\\ )\d+", r"\1\\d+"),
            (r'("10\\\.0\\\.2\\\.2",)\d{5}', r"\1\\d+"), (r"(\+IPD,(?:\d,)?)78:", r"\1\\d+:"),
            (r"curl:\\ \\\(56.*", r"curl:\\ \\((56|55|7)\\)\\ .*"))


class Block:
    def __init__(self, line, words, text):
        self.line, self.words, self.text = line, words, text


def blocks(document):
    """Fenced blocks and `types` comments of a document, in order."""
    found, fence = [], None
    for number, line in enumerate(document.read_text().splitlines(), 1):
        comment = re.fullmatch(r"<!-- types: (.*) -->", line)
        if fence is None and comment:
            found.append(Block(number, ["types"], comment.group(1)))
        elif line.startswith("```") and fence is None:
            fence = Block(number, line[3:].split(), "")
        elif line == "```" and fence is not None:
            found.append(fence)
            fence = None
        elif fence is not None:
            fence.text += line + "\n"
    return found


def pattern(line):
    """A regular expression for a line of a document."""
    expression = re.escape(line)
    for text, instead in VARIABLE:
        expression = re.sub(text, instead, expression)
    return expression


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Session:
    """The terminals of a reader who does what a document says."""

    def __init__(self, case):
        self.case, self.window, self.process = case, None, None
        self.ports = {port: str(free_port()) for port in PORTS}
        self.folder = tempfile.TemporaryDirectory(prefix="cipmux-e2e-")
        case.addCleanup(self.folder.cleanup)
        os.symlink(pathlib.Path(e2e.PROGRAM).parent, os.path.join(self.folder.name, "build"))
        for name in ("examples", "modem"):
            os.symlink(TREE / name, os.path.join(self.folder.name, name))

    def own(self, text):
        """The text of a document with free ports, and files in a folder of our own."""
        for port, free in self.ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        return text.replace("/tmp/", self.folder.name + "/")

    def play(self, block):
        kind = " ".join(block.words)
        if kind == "sh":
            self.command(self.own(block.text.strip()))
        elif kind == "text modem":
            self.at_the_modem(self.own(block.text))
        elif kind == "text output":
            self.output(block.text)
        elif kind.startswith("text file "):
            pathlib.Path(self.folder.name, block.words[2]).write_text(block.text)
        elif kind == "types":
            self.process.stdin.write(block.text.encode() + b"\n")
            self.process.stdin.flush()

    # ---- commands

    def command(self, line):
        if line == "build/cipmux":
            self.open_window()
            return
        self.process = process = subprocess.Popen(["bash", "-c", f"exec {line}" if "|" not in line else line],
                                                  cwd=self.folder.name, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                  stderr=subprocess.STDOUT)
        for closing in (process.wait, process.kill, process.stdin.close, process.stdout.close):
            self.case.addCleanup(closing)
        listening = re.fullmatch(r"nc -l 127\.0\.0\.1 (\d+)", line)
        if listening:
            self.wait_for_listener(int(listening.group(1)))
        side = re.search(r"--(pty|tcp)=(?:127\.0\.0\.1:)?(\S+)", line)
        if side:
            self.ask_at(*side.groups())

    def wait_for_listener(self, port):
        entry = f" 0100007F:{port:04X} 00000000:0000 0A "
        deadline = time.monotonic() + PATIENCE
        while entry not in pathlib.Path("/proc/net/tcp").read_text():
            self.case.assertLess(time.monotonic(), deadline, f"nobody listens at port {port}")
            self.case.assertIsNone(self.process.poll())

    def ask_at(self, side, where):
        """Somebody opens the serial line of the modem that the command has started, and finds it there."""
        self.case.assertIn(b"this program is the modem on", self.process.stdout.readline())
        if side == "pty":
            fd = os.open(where, os.O_RDWR | os.O_NOCTTY)
            line = Serial(fd, lambda: os.close(fd))
        else:
            connection = socket.create_connection(("127.0.0.1", int(where)), PATIENCE)
            line = Serial(connection.fileno(), connection.close)
        self.case.wire(line)
        deadline = time.monotonic() + PATIENCE
        while True:  # what is typed before `ready` is lost
            line.send(b"AT\r\n")
            try:
                line.until(OK, 0.2)
                return
            except AssertionError:
                self.case.assertLess(time.monotonic(), deadline)

    def output(self, text):
        printed, _ = self.process.communicate(timeout=PATIENCE)
        shown = re.sub(r"\r+\n", "\n", printed.decode())
        self.case.assertRegex(shown, re.compile("\n".join(pattern(line) for line in text.splitlines()) + r"\s*\Z"))

    # ---- the modem's terminal

    def open_window(self):
        self.window = self.case.wire(Window(shlex.quote(e2e.PROGRAM)))
        self.window.see("ready")

    def at_the_modem(self, text):
        if not self.window:
            self.open_window()
            text = text.split("ready\n", 1)[-1]
        announced = left = 0
        for line in text.splitlines():
            if left > 0 or line.startswith("> "):
                if line.startswith("> "):
                    self.window.see("> ")
                    line, left = line[2:], announced
                left = self.type_data(line, left)
            elif re.match(r"AT(\+|E\d|$)", line):
                self.window.type(line)
                if line.startswith("AT+CIPSEND="):
                    announced = int(line.split(",")[-1].split("=")[-1])
            elif line:
                self.window.see(r"(?:^|[\r\n]|\x1b\[\d*m)" + pattern(line) + r"(?:\x1b\[\d*m)?\s*[\r\n]")
        self.case.assertEqual(left, 0, "AT+CIPSEND announces more than is typed")

    def type_data(self, line, left):
        """One line of payload; the last one is complete without Enter."""
        if len(line) < left:
            self.window.type(line)
            return left - len(line) - 2
        self.case.assertEqual(len(line), left, f"AT+CIPSEND announces less than {line!r}")
        self.window.tmux("send-keys", "-t", "w", "-l", line)
        return 0

    def end(self):
        if self.window:
            self.window.keys("C-]", "q")
            self.window.see("ended with 0")


class Sessions(Case):
    """One test a document."""


class Transcripts(Case):
    """One test a block."""


def add_session(document, found):
    def test(self):
        session = Session(self)
        for block in found:
            try:
                session.play(block)
            except AssertionError as error:
                raise AssertionError(f"{document.name}, line {block.line}: {error}") from error
        session.end()

    test.__doc__ = f"{document.name}: {len(found)} blocks of commands and sessions are as the program is"
    setattr(Sessions, f"test_{document.stem.lower()}", test)


def add_transcript(document, block):
    def test(self):
        runner = pathlib.Path(e2e.PROGRAM).parent / "tests" / "transcripts"
        with tempfile.TemporaryDirectory(prefix="cipmux-e2e-") as folder:
            file = pathlib.Path(folder) / "block.txt"
            file.write_text(block.text)
            run = subprocess.run([runner, file], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertRegex(run.stdout, r"^[1-9]\d* passed, 0 failed\n\Z")

    test.__doc__ = f"{document.name}, line {block.line}: the transcript plays"
    setattr(Transcripts, f"test_{document.stem.lower()}_{block.line}", test)


for document in DOCUMENTS:
    found = blocks(document)
    for block in found:
        if block.words == ["transcript"]:
            add_transcript(document, block)
    if any(block.words == ["text", "modem"] for block in found):
        add_session(document, found)


if __name__ == "__main__":
    main()
