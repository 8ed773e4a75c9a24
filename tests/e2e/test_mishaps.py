"""Faults on demand: --fault, the words of faults and mishaps, and the control socket with its client."""
import os
import socket
import stat
import subprocess
import time

from modem import (CLASSIC, ESP_AT, HERE, OK, PATIENCE, Case, Modem, accept, each_dialect, listener, main, port_of,
                   receive)
import modem as common


class Control:
    """A client of --control."""

    def __init__(self, modem):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(os.path.join(modem.folder.name, "control"))
        self.file = self.socket.makefile("rw")

    def say(self, line):
        self.file.write(line + "\n")
        self.file.flush()
        return self.file.readline().rstrip("\n")

    def close(self):
        self.file.close()
        self.socket.close()


class Faulty(Case):
    def cipmux(self, *words, text=None):
        """The program with that text on its input, to its end."""
        return subprocess.run([common.PROGRAM, *words], input=text, capture_output=True, encoding="latin-1", timeout=PATIENCE,
                              check=False)


class FaultFile(Faulty):
    @each_dialect(CLASSIC, ESP_AT)
    def test_closed_before_the_prompt(self, dialect):
        """The link ends just when AT+CIPSEND is typed: CLOSED stands before the refusal, and the log names the fault"""
        target = self.wire(listener())
        path = self.write('on typed "AT+CIPSEND=0" link 0 resets\n')
        with Modem(f"--fault={path}", dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            modem.connect("TCP", port_of(target), 0)
            self.wire(accept(target))
            modem.serial.send(b"AT+CIPSEND=0,5\r\n")
            got = modem.serial.until(b"ERROR\r\n")
            self.assertTrue(got.startswith(b"0,CLOSED\r\n"), got)
            modem.wait_log(r"^fault: link 0 resets")
            modem.connect("TCP", port_of(target), 0)  # the id is free again
            self.wire(accept(target))
            modem.send(b"hello", 0)

    def test_bytes_of_the_line(self):
        """A byte that is typed is lost, one that is printed is wrong; the same seed gives the same faults"""
        path = self.write("printed flips 1 every=40\ntyped loses 1 every=90\n")
        runs = []
        for seed in (1, 1, 2):
            done = self.cipmux("--quiet", f"--fault={path}", f"--seed={seed}", "--linger=50", text="AT+GMR\nAT\n" * 20)
            self.assertEqual(done.returncode, 0)
            runs.append(done.stdout)
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])

    def test_a_text_late(self):
        """SEND OK comes when the next line was answered"""
        target = self.wire(listener())
        path = self.write('on printed "\\r\\nSEND OK\\r\\n" match late=400ms\n')
        with Modem(f"--fault={path}") as modem:
            modem.connect("TCP", port_of(target))
            peer = self.wire(accept(target))
            modem.at("AT+CIPSEND=5", modem.prompt())
            modem.serial.send(b"hello")
            modem.serial.expect(b"\r\nRecv 5 bytes\r\n")
            self.assertEqual(receive(peer, 5), b"hello")
            begin = time.monotonic()
            modem.serial.expect(b"\r\nSEND OK\r\n")
            self.assertGreater(time.monotonic() - begin, 0.2)
            modem.wait_log("^fault: printed: a text late")

    def test_dials(self):
        """Refused late, reset, without an answer, late, and then as always"""
        target = self.wire(listener())
        port = port_of(target)
        path = self.write(f"refuse {HERE}:{port} after=300ms\nsilent {HERE}:9\nreset {HERE}:10\n")
        with Modem(f"--fault={path}", "--control={folder}/control") as modem:
            control = Control(modem)
            self.addCleanup(control.close)
            begin = time.monotonic()
            modem.at(f'AT+CIPSTART="TCP","{HERE}",{port}', b"\r\nERROR\r\nCLOSED\r\n")
            self.assertGreaterEqual(time.monotonic() - begin, 0.3)
            modem.at(f'AT+CIPSTART="TCP","{HERE}",10', b"\r\nERROR\r\nCLOSED\r\n")
            modem.serial.send(f'AT+CIPSTART="TCP","{HERE}",9\r\n'.encode())
            modem.wait_log("silent on demand")
            modem.serial.send(b"AT\r\n")
            modem.serial.expect(b"\r\nbusy p...\r\n")
            self.assertEqual(control.say("reset"), "OK")
            modem.serial.until(b"\r\nready\r\n")
            modem.serial.until(b"WIFI GOT IP\r\n")  # it joins again by itself
            modem.serial.send(b"ATE0\r\n")
            modem.serial.until(OK)
            self.assertEqual(control.say(f"late {HERE}:{port} after=300ms"), "OK")
            begin = time.monotonic()
            modem.connect("TCP", port)
            self.assertGreaterEqual(time.monotonic() - begin, 0.3)
            modem.hang_up()
            self.assertEqual(control.say(f"works {HERE}:{port}"), "OK")
            modem.connect("TCP", port)

    def test_once(self):
        """The next dial only is refused; behind a text, words come so much later"""
        target = self.wire(listener())
        port = port_of(target)
        path = self.write('refuse any once\non typed "AT+GMR" in 50ms link 0 closes\n')
        with Modem(f"--fault={path}") as modem:
            modem.at(f'AT+CIPSTART="TCP","{HERE}",{port}', b"\r\nERROR\r\nCLOSED\r\n")
            modem.connect("TCP", port)
            modem.serial.send(b"AT+GMR\r\n")
            modem.serial.until(OK)
            modem.serial.expect(b"CLOSED\r\n")

    def test_rate(self):
        """Random faults at a rate, each on the log, of the kinds that are asked for; with no link open none is a problem"""
        done = self.cipmux("--faults=rate:mtbf=1ms,kinds=closes+printed-lost", "--linger=100", text="AT\n" * 200)
        self.assertEqual(done.returncode, 0)
        log = done.stderr.splitlines()
        self.assertIn("fault: link any closes", log)
        self.assertIn("fault: printed loses 1 within=200", log)
        self.assertRegex(done.stderr, r"\nfault: printed: 1 byte lost, from byte \d+ on\n")
        self.assertNotIn("not open", done.stderr)
        done = self.cipmux("--faults=rate:mtbf=2h,kinds=nonsense")
        self.assertEqual(done.returncode, 2)
        self.assertIn("kinds=KIND+...: typed-lost ", done.stderr)

    def test_wrong_lines(self):
        """A wrong line is named with its column, words for later included; exit status 3"""
        for text, complaint in (
                ('on typed "x" frob\n', '1: column 14: in these words, column 1: no verb is called "frob"'),
                ('every 1s ap-gone\n', "1: column 10: in these words, column 1: ap-gone needs ssid=TEXT"),
                ("\nlink 5 closes\n", '2: column 6: expected a number from 0 to 4, not "5"'),
                ("link 1 explodes\n", "1: column 8: expected closes, resets, vanishes, stalls, resumes, holds-data or "
                                      'data, not "explodes"'),
                ("at 1s typed loses x\n", '1: column 19: expected a number from 1 to 1000000, not "x"')):
            path = self.write(text)
            done = self.cipmux(f"--fault={path}")
            self.assertEqual((done.returncode, done.stderr.splitlines()[0]), (3, f"cipmux: {path}:{complaint}"))
        done = self.cipmux("--fault=nothing-of-the-kind")
        self.assertEqual((done.returncode, done.stderr), (3, "cipmux: nothing-of-the-kind: No such file or directory\n"))

    def test_list(self):
        """--fault=list names the built-in ones; each can be read"""
        done = self.cipmux("--fault=list")
        names = [line.split()[0] for line in done.stdout.splitlines()]
        self.assertIn("busy", names)
        for name in names:
            done = self.cipmux("--quiet", f"--fault={name}", "--linger=1", text="")
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)


class Steering(Faulty):
    def test_the_socket(self):
        """Words and questions, one line each; only the owner may open it; it is gone at the end"""
        target = self.wire(listener())
        with Modem("--control={folder}/control") as modem:
            path = os.path.join(modem.folder.name, "control")
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            control = Control(modem)
            self.addCleanup(control.close)
            self.assertEqual(control.say("links"), "OK")
            self.assertEqual(control.say("phase"), "OK COMMAND")
            modem.connect("TCP", port_of(target))
            peer = self.wire(accept(target))
            modem.send(b"hello")
            self.assertEqual(control.say("links"), f"OK 0 tcp {HERE}:{port_of(target)} received=0 sent=5")
            self.assertTrue(control.say("counters").startswith("OK links=1 faults=0 "))
            self.assertEqual(control.say("link 0 holds-data"), "OK")
            peer.sendall(b"later")
            modem.serial.quiet()
            self.assertEqual(control.say("link 0 data"), "OK")
            modem.expect_data(b"later")
            self.assertEqual(control.say("link 0 closes"), "OK")
            modem.serial.expect(b"CLOSED\r\n")
            self.assertEqual(control.say("link 0 closes"), "ERROR column 6: link 0 is not open")
            self.assertEqual(control.say("noted unknown-command"), "OK 0")
            modem.at("AT+X", common.ERROR)
            self.assertEqual(control.say("noted unknown-command"), "OK 1")
            self.assertEqual(control.say('ap-gone ssid="lab"'), "OK")
            modem.serial.expect(b"WIFI DISCONNECT\r\n")
            self.assertEqual(control.say("x" * 5000), "ERROR the line is too long")
            self.assertEqual(control.say('on typed "x" frob'),
                             'ERROR column 14: in these words, column 1: no verb is called "frob"')
            self.assertEqual(control.say('on typed "AT+GMR" printed loses 4'), "OK")
            modem.serial.send(b"AT+GMR\r\n")
            self.assertTrue(modem.serial.until(OK).startswith(b"ersion:"))
        self.assertFalse(os.path.exists(path))

    def test_ctl(self):
        """cipmux ctl says words, prints the answer, and its exit status tells"""
        with Modem("--control={folder}/control") as modem:
            path = os.path.join(modem.folder.name, "control")
            done = self.cipmux("ctl", path, "phase")
            self.assertEqual((done.returncode, done.stdout), (0, "OK COMMAND\n"))
            done = self.cipmux("ctl", path, text="links\nfrob\nphase\n")
            self.assertEqual((done.returncode, done.stdout),
                             (1, 'OK\nERROR column 1: no verb is called "frob"\nOK COMMAND\n'))
            done = self.cipmux("--quiet", f"--control={path}", text="")
            self.assertEqual((done.returncode, done.stderr), (2, f"cipmux: --control={path}: Address already in use\n"))
        done = self.cipmux("ctl", path, "phase")
        self.assertEqual(done.returncode, 2)
        self.assertIn("No such file", done.stderr)

    def test_two_modems(self):
        """@NAME chooses one of several modems"""
        with common.Modems("--control={folder}/control", a="", b="") as modems:
            control = Control(modems)
            self.addCleanup(control.close)
            self.assertEqual(control.say("@b typed loses 4"), "OK")
            modems["a"].at("AT")
            modems["b"].serial.send(b"AT\r\nAT\r\n")
            modems["b"].serial.expect(OK)
            modems["b"].serial.quiet()
            self.assertEqual(control.say("@c phase"), "ERROR column 1: there is no modem c")


if __name__ == "__main__":
    main()
