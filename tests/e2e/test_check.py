"""cipmux check: the project's transcripts against a modem on a line; the module is another cipmux."""
import os
import re
import socket
import subprocess
import threading

from modem import CLASSIC, ESP_AT, NONOS, PATIENCE, Case, Process, each_dialect, main
import modem as common

TRANSCRIPTS = os.path.join(os.path.dirname(__file__), "..", "transcripts")


class Check(Case):
    def module(self, *options):
        """A cipmux on a Unix socket, which starts fast."""
        module = self.wire(Process("--unix={folder}/line", "--timing=boot=1", *options))
        module.wait_log("modem on")
        return f"--module=unix:{module.folder.name}/line"

    def check(self, *options):
        return subprocess.run([common.PROGRAM, "check", f"--transcripts={TRANSCRIPTS}", "--patience=1", *options], capture_output=True,
                              encoding="latin-1", timeout=4 * PATIENCE, check=False)

    def same(self, least, *options):
        done = self.check(*options)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
        found = re.search(r"(?m)^(\d+) the same, 0 different, (\d+) skipped$", done.stdout)
        self.assertGreaterEqual(int(found.group(1)), least)
        return done.stdout


class Green(Check):
    @each_dialect(CLASSIC, "nonos-1.3", ESP_AT)
    def test_each_dialect(self, dialect):
        """All that fits a module on a line holds, and each that does not says why"""
        out = self.same(100, self.module(f"--dialect={dialect}"), f"--dialect={dialect}")
        for line in out.splitlines():
            if line.startswith("skipped"):
                self.assertRegex(line, r"\.txt +\S")

    def test_flash(self):
        """By the version in AT+GMR; with what is saved, and taken back; without --allow-flash nothing is saved"""
        with Process("--unix={folder}/line", "--timing=boot=1", f"--dialect={NONOS}", "--flash={folder}/flash") as module:
            module.wait_log("modem on")
            place, flash = f"--module=unix:{module.folder.name}/line", f"{module.folder.name}/flash"
            out = self.same(15, place, "wifi/c")
            self.assertIn(f"checked as {NONOS}", out)
            self.assertFalse(os.path.exists(flash))
            self.assertGreater(len(re.findall("(?m)^pass", self.same(30, place, "--allow-flash", "wifi/c"))),
                               len(re.findall("(?m)^pass", out)))


class Differences(Check):
    def names(self, dialect, only, *quirks):
        done = self.check(self.module(f"--dialect={dialect}", *(f"--quirk={quirk}" for quirk in quirks)),
                          f"--dialect={dialect}", only)
        self.assertEqual(done.returncode, 1, done)
        self.assertNotIn("by no quirk", done.stdout)
        for quirk in quirks:
            self.assertRegex(done.stdout, rf"(?m)^quirk {quirk}: |^quirk .* or with {quirk}[, ]")
        self.assertEqual(len(re.findall("(?m)^quirk ", done.stdout)), len(quirks))

    def test_nonos(self):
        """A quirk that was changed is named, and three at once"""
        self.names(NONOS, "tcp/", "single-server=1")
        self.names(NONOS, "conv/", "strict-line=1")
        self.names(NONOS, "", "mixed-prefix=1", "idle-needs-server=0", "dns-equal=0")

    def test_esp_at(self):
        """Likewise"""
        self.names(ESP_AT, "svc/", "ssl-skips=0")
        self.names(ESP_AT, "basic/", "sleep-needs-station=0")

    def test_save(self):
        """What was seen as a dialect file: by it all is the same, and a modem made of it is the same too"""
        place = self.module(f"--dialect={NONOS}", "--quirk=single-server=1")
        path = self.write("")
        done = self.check(place, f"--save={path}", "tcp/")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("quirk single-server=1\n", path.read_text())
        self.same(30, place, f"--dialect={path}", "tcp/")
        self.same(30, self.module(f"--dialect={path}"), f"--dialect={path}", "tcp/")


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
