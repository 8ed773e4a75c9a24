"""cipmux replay: a recorded session against a modem, the differences planted in it, and those that are none."""
import os
import re
import subprocess
import tempfile

from modem import (CLASSIC, ESP_AT, HERE, OK, PATIENCE, Case, Modem, Process, each_dialect, listener, main, port_of)
import modem as common

BEGIN = '= AT+CWMODE=1\n= AT+CWJAP="lab","password"\n'


class Replay(Case):
    def write(self, text):
        folder = tempfile.TemporaryDirectory(prefix="cipmux-e2e-")
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "session.txt")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def replay(self, text, *options):
        return subprocess.run([common.PROGRAM, "replay", self.write(text), *options], capture_output=True,
                              encoding="latin-1", timeout=2 * PATIENCE, check=False)

    def same(self, text, *options):
        done = self.replay(text, *options)
        self.assertEqual(done.returncode, 0, done)
        return done

    def differs(self, text, line, *options):
        """It says so, with the line, and a caret below what was expected and what came"""
        done = self.replay(text, *options)
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stdout, rf"^\S+:{line}: ", text)
        return done.stdout


ANSWERS = [  # what is typed, and what comes of it: lines of a transcript
    r"> AT+CIFSR\r\n", r'< +CIFSR:STAIP,"10.0.2.15"\r\n', r'< +CIFSR:STAMAC,"5c:cf:7f:00:00:01"\r\n', r"< \r\nOK\r\n",
    r"> AT+CIPMUX?\r\n", r"< +CIPMUX:0\r\n", r"< \r\nOK\r\n",
    r"> AT+CWLAP\r\n", r'< +CWLAP:(3,"lab",-50,"02:00:00:00:00:01",6,0,0)\r\n', r"< \r\nOK\r\n",
    r"> AT+CIPSTATUS\r\n", r"< STATUS:2\r\n", r"< \r\nOK\r\n",
    r'> AT+PING="10.0.2.2"\r\n', r"< +PING:0\r\n", r"< \r\nOK\r\n",
    r"> AT+NONSENSE\r\n", r"< \r\nERROR\r\n",
]


def answers(dialect):
    """The same, as this dialect's modem says it."""
    with Modem(dialect=dialect) as modem:
        lines = []
        for line in ANSWERS:
            if line[0] == ">":
                modem.serial.send(line[2:-4].encode() + b"\r\n")
                got = modem.serial.until(b"ERROR\r\n" if "NONSENSE" in line else OK).decode("latin-1")
                lines.append(line)
                lines += ["< " + piece.replace("\r", "\\r") + "\\n" for piece in got.split("\n")[:-1]]
    return lines


class Differences(Replay):
    @each_dialect(CLASSIC, ESP_AT)
    def test_none_and_ten(self, dialect):
        """None where only addresses, ports, signal strengths and times differ; each of ten others, with its line"""
        head = f"# dialect: {dialect}\n{BEGIN}"
        before = head.count("\n")
        lines = answers(dialect)
        text = "\n".join(lines)
        self.same(head + text + "\n")
        other = text
        for a, b in (("10.0.2.15", "192.168.77.4"), ("5c:cf:7f:00:00:01", "a4:cf:12:be:ef:09"), ("-50", "-71"),
                     ("02:00:00:00:00:01", "f0:9f:c2:00:11:22"), ("+PING:0", "+PING:149"), ("< +0", "< +149")):
            other = other.replace(a, b)
        self.assertNotEqual(text, other)
        self.same(head + other + "\n")
        planted = 0
        for number, line in enumerate(lines):
            if line[0] != "<" or planted == 10:
                continue
            for a, b in (("STAIP", "STAIX"), ("STAMAC", "STAMAD"), ("CIPMUX:0", "CIPMUX:1"), ('"lab"', '"lap"'),
                         ("STATUS:2", "STATUS:5"), ("OK\\r\\n", "OK\\r\\r\\n"), ("\\r\\nERROR", "\\nERROR"),
                         ("ERROR", "FAIL"), ("OK", "0K")):
                if a in line:
                    changed = lines[:number] + [line.replace(a, b)] + lines[number + 1:]
                    said = self.differs(head + "\n".join(changed) + "\n", before + number + 1)
                    self.assertEqual(said.count("^\n"), 2, said)
                    planted += 1
                    break
        self.assertEqual(planted, 10)

    def test_missing_and_surplus(self):
        """A line too few in the file, with others and alone"""
        head = f"# dialect: {CLASSIC}\n> AT\\r\\n\n< \\r\\nOK\\r\\n\n"
        self.differs(head + "> AT+CIPMUX?\\r\\n\n< +CIPMUX:0\\r\\n\n@ 200ms\n> AT\\r\\n\n", 5)
        self.assertIn("what no < line expects", self.differs(head + "> AT\\r\\n\n@ 200ms\n> AT\\r\\n\n", 6))


class Modules(Replay):
    def test_another_cipmux(self):
        """A recorded session against a module on a PTY and on a TCP port; the world's lines are named, not played"""
        with tempfile.TemporaryDirectory(prefix="cipmux-e2e-") as folder:
            path = os.path.join(folder, "session.txt")
            target = self.wire(listener())
            with Modem(f"--record={path}") as modem:
                modem.connect("TCP", port_of(target))
                modem.send(b"hello")
                modem.hang_up()
            with open(path, encoding="ascii") as file:
                text = file.read()
        with Process("--pty={folder}/tty") as second:
            second.wait_log("modem on")
            done = self.same(text, f"--module={second.folder.name}/tty")
            self.assertIn(f"skipped, a module has no such world: listen peer1 {HERE}", done.stderr)
            self.differs(text.replace("Recv 5", "Recv 6"), r"\d+", f"--module={second.folder.name}/tty")
        with Process("--tcp=127.0.0.1:0") as second:
            place = re.search(r"127\.0\.0\.1:\d+", second.wait_log("modem on")).group(0)
            self.same(text, f"--module={place}")

    def test_flash(self):
        """What writes the module's flash is refused, with its line, before anything is sent"""
        for line in ("= AT+CWMODE_DEF=1", "> at+restore\\r\\n", "= AT+UART_DEF=9600,8,1,0,0", "= AT+SYSSTORE=1",
                     '> AT+SAVETRANSLINK=1,"10.0.2.2",80\\r\\n'):
            done = self.replay(f"# dialect: {CLASSIC}\n= AT\n{line}\n", "--module=/dev/null/nothing")
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, r":3: this writes the module's flash: only with --allow-flash")

    def test_what_is_set_is_not_saved(self):
        """A file that sets something, from `ready` and from the start: the module that has AT+SYSSTORE saves nothing"""
        with Process("--tcp=127.0.0.1:0", f"--dialect={ESP_AT}") as module:
            place = re.search(r"127\.0\.0\.1:\d+", module.wait_log("modem on")).group(0)
            for start in ("ready", "off"):
                begin = "< \\r\\nready\\r\\n\n" if start == "off" else ""
                self.same(f"# dialect: {ESP_AT}\n# start: {start}\n{begin}= AT+CWMODE=3\n", f"--module={place}")
                self.same(f"# dialect: {ESP_AT}\n# start: off\n< \\r\\nready\\r\\n\n= ATE0\n> AT+CWMODE?\\r\\n\n"
                          "< +CWMODE:1\\r\\n\\r\\nOK\\r\\n\n", f"--module={place}")

    def test_scenario(self):
        """The lines of a scenario are played where the modem is its own, and are named where it is a module"""
        text = (f"# dialect: {CLASSIC}\n# scenario: busy\n= AT+CWMODE=1\n> AT+CWJAP=\"lab\",\"password\"\\r\\n\n"
                "> AT\\r\\n\n< \\r\\nbusy p...\\r\\n\n")
        self.same(text)
        self.differs(text.replace("busy p", "busy q"), 6)
        with Process("--tcp=127.0.0.1:0") as module:
            place = re.search(r"127\.0\.0\.1:\d+", module.wait_log("modem on")).group(0)
            done = self.replay(text, f"--module={place}")
            self.assertEqual(done.returncode, 1)
            self.assertIn("skipped, a module has no such world: ", done.stderr)
        self.assertEqual(self.replay(text.replace(": busy", ": nothing")).returncode, 3)

    def test_wrong(self):
        """A wrong file, a module that is not there"""
        self.assertEqual(self.replay("nonsense\n").returncode, 3)
        self.assertEqual(self.replay(f"# dialect: {CLASSIC}\n> AT\\r\\n\n", "--module=/dev/null/nothing").returncode, 2)


if __name__ == "__main__":
    main()
