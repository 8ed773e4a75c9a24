"""The driver on Linux, at the modem of the real program: the page server and the client of examples/driver/."""
import os
import pathlib
import re
import shlex
import signal
import subprocess
import tempfile
import threading

import modem as e2e
from modem import CLASSIC, HERE, PATIENCE, Case, Modem, accept, each_dialect, listener, main, port_of

TREE = pathlib.Path(__file__).resolve().parents[2]
OPTIONS = ("--publish=127.0.0.1:0:80", "--verbose")
NUMBERS = b"".join(b"%07d\n" % i for i in range(25000))
PAGES = {"": ("text/html", rb"<!doctype html>.*</script>\n"), "style.css": ("text/css", rb"body .*\}\n"),
         "script.js": ("text/javascript", rb"fetch.*\)\n"), "picture.svg": ("image/svg+xml", rb"<svg.*</svg>\n"),
         "status.json": ("application/json", rb'\{ "link": [0-4], "served": [1-9]\d* \}\n'),
         "numbers.txt": ("text/plain", NUMBERS)}
REFUSED = (7, 55, 56)  # curl's exit status: not connected; reset while it sends, while it receives


class Board(Modem):
    """A modem whose serial line is for a program, not for the test."""

    def open(self):
        pass

    def start(self, join):
        pass

    def clients(self, word, since=0):
        """The links on which clients were accepted, or closed."""
        return [int(n) for line in self.log[since:] for n in re.findall(rf"^{word}: link (\d)", line)]

    def wait_clients(self, count, since):
        """Until so many were accepted."""
        self._wait(lambda: len(self.clients("accept", since)) >= count)

    def wait_idle(self):
        """Until no client is left. Returns the place in the log."""
        self._wait(lambda: len(self.clients("accept")) == len(self.clients("closed")))
        return len(self.log)

    def _wait(self, condition):
        with self._news:
            if not self._news.wait_for(condition, PATIENCE):
                raise AssertionError("\n".join(self.log[-60:]))


def stand_still(process):
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)


class Example:
    """A program of examples/driver/ at work, and what it prints."""

    def __init__(self, name, *arguments):
        path = pathlib.Path(e2e.PROGRAM).parent / "examples" / name
        self.process = subprocess.Popen([path, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.lines = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()

    def wait(self, line, count=1, patience=PATIENCE):
        """Until it has printed that line so many times."""
        with self._news:
            if not self._news.wait_for(lambda: self.lines.count(line) >= count, patience):
                raise AssertionError(f"waited for {count} times {line!r}, got {self.lines[-40:]}")

    def stand_still(self):
        stand_still(self.process)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE)
        self.process.stdout.close()


class Curl:
    """A fetch of a page into a file, so that it never waits for the test."""

    def __init__(self, address, page, *options):
        self.page = page
        self.body = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ["curl", "--silent", "--show-error", "--max-time", str(PATIENCE), "--write-out", "%{stderr}%{content_type}",
             *options, "http://{}:{}/{}".format(*address, page)], stdout=self.body, stderr=subprocess.PIPE, text=True)

    def end(self):
        """Exit status, body, content type or error."""
        said = self.process.communicate(timeout=PATIENCE + 5)[1]
        self.body.seek(0)
        return self.process.returncode, self.body.read(), said

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.body.close()


class PageServer(Case):
    def setting(self, dialect, serial="tcp", name="page_server", options=()):
        """A modem, the page server at it, and where that is found."""
        board = self.wire(Board(*OPTIONS, *options, dialect=dialect, serial=serial))
        server = self.wire(Example(name, board.link if serial == "pty" else f"127.0.0.1:{board.port}"))
        server.wait("up")
        return board, server, board.published(80)

    def curl(self, *arguments):
        return self.wire(Curl(*arguments))

    def assert_page(self, curl):
        status, body, said = curl.end()
        self.assertEqual(status, 0, said)
        kind, wanted = PAGES[curl.page]
        self.assertEqual(said, kind)
        if wanted is NUMBERS:
            self.assertTrue(body == NUMBERS, f"{len(body)} bytes")
        else:
            self.assertRegex(body, re.compile(rb"\A" + wanted + rb"\Z", re.DOTALL))

    def assert_serves(self, address):
        for page in PAGES:
            self.assert_page(self.curl(address, page))

    @each_dialect()
    def test_pages(self, dialect):
        """Page server: every page, one that is not there, twenty fetches in a row; at a TCP port and at a PTY"""
        for serial in ("tcp", "pty"):
            with self.subTest(serial=serial):
                board, server, address = self.setting(dialect, serial)
                self.assert_serves(address)
                status, body, said = self.curl(address, "nothing", "--fail-with-body").end()
                self.assertEqual((status, body), (22, b"not found\n"), said)
                for _ in range(20):
                    self.assert_page(self.curl(address, "status.json"))
                self.assertEqual(server.lines.count("up"), 1)
                self.assertNotIn("down", "".join(server.lines))

    @each_dialect()
    def test_five_at_once(self, dialect):
        """Page server: five clients at once, one on each link, and all get 200,000 right bytes; at a TCP port and at a PTY"""
        for serial in ("tcp", "pty"):
            with self.subTest(serial=serial):
                board, server, address = self.setting(dialect, serial)
                for _ in range(2):
                    since = board.wait_idle()
                    server.stand_still()
                    clients = [self.curl(address, "numbers.txt") for _ in range(5)]
                    board.wait_clients(5, since)
                    self.assertEqual(sorted(board.clients("accept", since)), [0, 1, 2, 3, 4])
                    self.assertIn(self.curl(address, "").end()[0], REFUSED)
                    server.go_on()
                    for client in clients:
                        self.assert_page(client)

    def begin(self, board, server, address):
        """A client in mid-transfer: it reads nothing of the 200,000 bytes, which are more than the kernel takes for it."""
        since = board.wait_idle()
        server.stand_still()
        client = self.curl(address, "numbers.txt")
        board.wait_log(r"received: link 0", since)
        stand_still(client.process)
        server.go_on()
        board.wait_log(r"sent: link 0", since)
        return client

    @each_dialect()
    def test_client_killed(self, dialect):
        """Page server: a client is killed in mid-transfer, while others wait for their pages"""
        board, server, address = self.setting(dialect)
        for _ in range(3):
            since = board.wait_idle()
            victim = self.begin(board, server, address)
            others = [self.curl(address, "style.css") for _ in range(4)]
            board.wait_clients(5, since)
            victim.close()
            line = board.wait_log(r"closed: link 0, reset by the peer", since)
            self.assertLess(int(re.search(r"(\d+) sent", line).group(1)), len(NUMBERS))
            for other in others:
                self.assert_page(other)
            self.assert_page(self.curl(address, "numbers.txt"))

    @each_dialect()
    def test_modem_restarted(self, dialect):
        """Page server: the modem ends, at rest and in mid-transfer, and one that knows nothing takes its place"""
        board, server, address = self.setting(dialect)
        for ups, busy in ((2, False), (3, True)):
            if busy:
                victim = self.begin(board, server, address)
            port = board.port
            board.close()
            if busy:
                victim.process.send_signal(signal.SIGCONT)
                self.assertNotEqual(victim.end()[0], 0)
            board = self.wire(Board(*OPTIONS, dialect=dialect, serial="tcp", port=port))
            server.wait("up", ups)
            address = board.published(80)
            self.assert_serves(address)

    @each_dialect()
    def test_modem_restarted_in_answer(self, dialect):
        """Page server: the modem ends while its answer goes out at 115200 baud, and the driver hears half a line of it"""
        board, server, address = self.setting(dialect, options=("--pace=real",))
        self.assert_page(self.curl(address, "style.css"))
        port = board.port
        board.close()
        board = self.wire(Board(*OPTIONS, dialect=dialect, serial="tcp", port=port))
        server.wait("up", 2, 3 * PATIENCE)  # it may wait 35 s for the SEND OK that never comes
        self.assert_serves(board.published(80))

    def test_modem_restarted_at_pty(self):
        """Page server: the modem at a PTY ends, and a new one has a PTY of that name"""
        board = self.wire(Board(*OPTIONS))
        with tempfile.TemporaryDirectory(prefix="cipmux-e2e-") as folder:
            name = os.path.join(folder, "line")
            os.symlink(board.link, name)
            server = self.wire(Example("page_server", name))
            server.wait("up")
            board.close()
            board = self.wire(Board(*OPTIONS))
            os.unlink(name)
            os.symlink(board.link, name)
            server.wait("up", 2)
            self.assert_serves(board.published(80))

    @each_dialect()
    def test_program_restarted(self, dialect):
        """Page server: it is killed in mid-transfer, and the next one finds the modem as it was left"""
        board, server, address = self.setting(dialect)
        for _ in range(3):
            since = board.wait_idle()
            self.begin(board, server, address)
            server.close()
            server = self.wire(Example("page_server", f"127.0.0.1:{board.port}"))
            server.wait("up")
            address = board.published(80, since)
            self.assert_serves(address)

    def test_single_mode(self):
        """Page server built for single mode: a second client is refused while the first is served, then it is served"""
        board, server, address = self.setting(CLASSIC, name="page_server_single")
        self.assert_serves(address)
        for _ in range(5):
            since = board.wait_idle()
            server.stand_still()
            first = self.curl(address, "numbers.txt")
            board.wait_clients(1, since)
            self.assertIn(self.curl(address, "status.json").end()[0], REFUSED)
            server.go_on()
            self.assert_page(first)
            board.wait_log(r"closed: link 0", since)
            self.assert_page(self.curl(address, "status.json"))


class Client(Case):
    def readme(self):
        """The program that README shows, and the command that builds it."""
        text = (TREE / "README.md").read_text()
        program = re.search(r"^```c\n(.*?)^```$", text, re.DOTALL | re.MULTILINE).group(1)
        command = re.search(r"^\$ (cc .*examples/driver/client\.c.*)$", text, re.MULTILINE).group(1)
        return program, command

    def talk(self, program, dialect):
        """It sends a line to a server, which answers with the same line; then to one that is not there."""
        for serial in ("tcp", "pty"):
            board = self.wire(Board(dialect=dialect, serial=serial))
            where = board.link if serial == "pty" else f"127.0.0.1:{board.port}"
            server = self.wire(listener())
            port = port_of(server)
            client = subprocess.Popen([program, where, HERE, str(port), "Is anybody there?\n"],
                                      stdout=subprocess.PIPE)
            self.addCleanup(client.communicate)
            self.addCleanup(client.kill)
            peer = self.wire(accept(server))
            self.assertEqual(peer.makefile("rb").readline(), b"Is anybody there?\n")
            peer.sendall(b"I am, ")
            peer.sendall(b"says OK\r\n")
            printed, _ = client.communicate(timeout=PATIENCE)
            self.assertEqual((client.returncode, printed), (0, b"I am, says OK\r\n"))
            self.assertEqual(peer.recv(1), b"")
            server.close()
            again = subprocess.run([program, where, HERE, str(port), "x"], timeout=PATIENCE)
            self.assertEqual(again.returncode, 12)

    @each_dialect()
    def test_client(self, dialect):
        """Client: joins, dials, sends, prints the answer, closes; a dial that is refused is told"""
        self.talk(pathlib.Path(e2e.PROGRAM).parent / "examples" / "client", dialect)

    def test_readme(self):
        """Client: README shows this program, and its command builds it"""
        program, command = self.readme()
        self.assertEqual(program, (TREE / "examples/driver/client.c").read_text())
        with tempfile.TemporaryDirectory(prefix="cipmux-e2e-") as folder:
            words = shlex.split(command)
            words[words.index("-o") + 1] = built = os.path.join(folder, "client")
            words[1:1] = ["-Wall", "-Wextra", "-Werror"]
            built_by = subprocess.run(" ".join(words), shell=True, cwd=TREE, capture_output=True, text=True)
            self.assertEqual((built_by.returncode, built_by.stderr), (0, ""))
            self.talk(built, CLASSIC)


class Document(Case):
    def names(self, begin, end, expression):
        header = (TREE / "driver" / "cipdrv.h").read_text()
        return re.findall(expression, header[header.index(begin):header.index(end)], re.MULTILINE)

    def test_tables(self):
        """docs/DRIVER.md: its tables name each feature of the header with its default, and each event"""
        text = (TREE / "docs" / "DRIVER.md").read_text()
        features = self.names("---- Features", "---- Events", r"^#define (CIPDRV_\w+) (\d+)")
        self.assertEqual(re.findall(r"^\| `(CIPDRV_\w+)` \| (\d+) \|", text, re.MULTILINE), features)
        events = self.names("---- Events", "} cipdrv_event_t", r"^    CIPDRV_(\w+),? ")
        self.assertEqual(re.findall(r"^\| `([A-Z]+)` \|", text, re.MULTILINE), events)


if __name__ == "__main__":
    main()
