"""cipmux check: the project's transcripts against a modem on a line; the module is another cipmux."""
import concurrent.futures
import itertools
import os
import re
import socket
import subprocess
import threading

from modem import CLASSIC, ESP_AT, NONOS, PATIENCE, Case, Process, main
import modem as common

TRANSCRIPTS = os.path.join(os.path.dirname(__file__), "..", "transcripts")


def together(function, things):
    """The function of each, all at once: most of it is waiting."""
    with concurrent.futures.ThreadPoolExecutor(len(things)) as pool:
        return list(pool.map(function, things))


def published():
    """Ports that transcripts let the module open, elsewhere on this computer, where other tests run too: UDP ports at a
    loopback address of its own."""
    number = next(NUMBERS)
    place = f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}.{number}"
    return [f"--publish=0:{port}" for port in (80, 81, 123, 333, 443, 1001, 8080, 11000, 65535)] + [
        f"--publish={place}:{port}:{port}/udp" for port in (2390, 4000, 4001, 4002, 5000, 5353, 6000, 8989, 10002)]


NUMBERS = itertools.count(1)


def differences(done):
    """Of what was printed, all but the rows that hold or were skipped."""
    return "\n".join(line for line in done.stdout.splitlines() if not line.startswith(("pass", "skipped"))) + done.stderr


class Check(Case):
    def module(self, *options):
        """A cipmux on a Unix socket, which starts fast."""
        module = self.wire(Process("--unix={folder}/line", "--timing=boot=1", *published(), *options))
        module.wait_log("modem on")
        return f"--module=unix:{module.folder.name}/line"

    def check(self, *options):
        return subprocess.run([common.PROGRAM, "check", f"--transcripts={TRANSCRIPTS}", "--patience=3", *options], capture_output=True,
                              encoding="latin-1", timeout=4 * PATIENCE, check=False)

    def same(self, least, *options):
        done = self.check(*options)
        self.assertEqual(done.returncode, 0, differences(done))
        found = re.search(r"(?m)^(\d+) the same, 0 different, (\d+) skipped$", done.stdout)
        self.assertGreaterEqual(int(found.group(1)), least)
        return done.stdout


class Green(Check):
    def test_each_dialect(self):
        """All that fits a module on a line holds in each dialect, and what does not fit says why"""
        for out in together(lambda dialect: self.same(100, self.module(f"--dialect={dialect}"), f"--dialect={dialect}"),
                            (CLASSIC, NONOS, "nonos-1.3", ESP_AT)):
            for line in out.splitlines():
                if line.startswith("skipped"):
                    self.assertRegex(line, r"\.txt +\S")

    def test_flash(self):
        """By the version in AT+GMR; with what is saved, and taken back; without --allow-flash nothing is saved"""
        with Process("--unix={folder}/line", "--timing=boot=1", f"--dialect={NONOS}", "--flash={folder}/flash") as module:
            module.wait_log("modem on")
            place, flash = f"--module=unix:{module.folder.name}/line", f"{module.folder.name}/flash"
            out = self.same(1, place, "wifi/cwmode")
            self.assertIn(f"checked as {NONOS}", out)
            self.assertFalse(os.path.exists(flash))
            self.assertGreater(len(re.findall("(?m)^pass", self.same(8, place, "--allow-flash", "wifi/cwmode"))),
                               len(re.findall("(?m)^pass", out)))


class Differences(Check):
    def names(self, row):
        dialect, only, *quirks = row
        done = self.check(self.module(f"--dialect={dialect}", *(f"--quirk={quirk}" for quirk in quirks)),
                          f"--dialect={dialect}", only)
        self.assertEqual(done.returncode, 1, differences(done))
        self.assertNotIn("by no quirk", differences(done))
        for quirk in quirks:
            self.assertRegex(differences(done), rf"(?m)^quirk {quirk}: |^quirk .* or with {quirk}[, ]")
        self.assertEqual(len(re.findall("(?m)^quirk ", done.stdout)), len(quirks))

    def test_quirks(self):
        """A quirk that was changed is named, also three at once"""
        together(self.names, [(NONOS, "tcp/", "single-server=1"), (NONOS, "conv/", "strict-line=1"),
                              (NONOS, "", "mixed-prefix=1", "idle-needs-server=0", "dns-equal=0"),
                              (ESP_AT, "svc/", "ssl-skips=0"), (ESP_AT, "basic/", "sleep-needs-station=0")])

    def test_save(self):
        """What was seen as a dialect file: by it all is the same, and a modem made of it is the same too"""
        place = self.module(f"--dialect={NONOS}", "--quirk=single-server=1")
        path = self.write("")
        done = self.check(place, f"--save={path}", "server")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("quirk single-server=1\n", path.read_text())
        self.same(5, place, f"--dialect={path}", "server")
        self.same(5, self.module(f"--dialect={path}"), f"--dialect={path}", "server")


class Finding(Check):
    def test_pty(self):
        """On a pseudo-terminal, at the first of the usual rates; the rate is told"""
        module = self.wire(Process("--pty={folder}/tty", "--timing=boot=1", f"--dialect={ESP_AT}"))
        module.wait_log("modem on")
        out = self.same(4, f"--module={module.folder.name}/tty", "basic/sys")
        self.assertRegex(out, rf"rate: 115200 baud\nline ends: CR LF\nfirmware: AT version:2\.3.*checked as {ESP_AT}")

    def test_other_rate(self):
        """A module that runs at another rate is found there"""
        module = self.wire(Process("--pty={folder}/tty", "--pace=real", "--timing=boot=1"))
        module.wait_log("modem on")
        tty = os.open(f"{module.folder.name}/tty", os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, tty)
        os.write(tty, b"AT+UART_CUR=38400,8,1,0,0\r\n")
        got = b""
        while b"OK\r\n" not in got:
            got += os.read(tty, 100)
        done = self.check(f"--module={module.folder.name}/tty", "nothing-has-this-name")
        self.assertIn("rate: 38400 baud\nline ends: CR LF\n", done.stdout)

    def stranger(self, answer):
        """A line that answers so to each piece."""
        server = self.wire(socket.create_server(("127.0.0.1", 0)))

        def serve():
            line, _ = server.accept()
            with line:
                try:
                    while piece := line.recv(4096):
                        line.sendall(answer(piece))
                except OSError:
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        done = self.check(f"--module=tcp:127.0.0.1:{server.getsockname()[1]}")
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_no_modem(self):
        """Nobody, silence, a loop, and two modems that answer each other: the reason, and nothing is played"""
        self.assertEqual(self.check("--module=/dev/null/nothing").returncode, 2)
        self.assertIn("no OK to AT", self.stranger(lambda piece: b""))
        self.assertIn("only what is typed comes back", self.stranger(lambda piece: piece))
        self.assertIn("two modems", self.stranger(lambda piece: b"\r\nERROR\r\n" * 4))

    def test_wrong(self):
        """Wrong options"""
        for options in ([], ["--module="], ["--module=x", "--nonsense"], ["--module=x", "a", "b"],
                        ["--module=x", "--longest=x"]):
            self.assertEqual(self.check(*options).returncode, 2, options)
        self.assertEqual(self.check(self.module(), "--dialect=nonsense").returncode, 3)


if __name__ == "__main__":
    main()
