"""cipmux tap: between a client and a cipmux that is the module, on pseudo-terminals and sockets."""
import os
import pathlib
import re
import socket
import subprocess
import termios

from modem import (CLASSIC, ESP_AT, HERE, NONOS, OK, PATIENCE, Case, Commands, Modem, Peer, Process, Serial, accept,
                   each_dialect, listener, main, pattern, port_of)
import modem as common


class Tapped(Process, Commands):
    """A tap with its host's end open; the module is another process."""

    def __init__(self, module, *options, dialect=CLASSIC, join=True):
        self.dialect = dialect
        super().__init__("tap", "pty:{folder}/tap", module, *options)
        try:
            self.wait_log("^tap: the host is at")
            self.tty = os.open(os.path.join(self.folder.name, "tap"), os.O_RDWR | os.O_NOCTTY)
            self.serial = Serial(self.tty, lambda: os.close(self.tty))
            self.start(join)
        except BaseException:
            self.close(check=False)
            raise

    def set_rate(self, code):
        mode = termios.tcgetattr(self.tty)
        mode[4] = mode[5] = code
        termios.tcsetattr(self.tty, termios.TCSADRAIN, mode)

    def close(self, check=True):
        if self.serial:
            self.serial.close()
        super().close(check)


class Tap(Case):
    def module(self, *options, kind="pty"):
        module = self.wire(Process(f"--{kind}={{folder}}/module", *options))
        module.wait_log("modem on")
        return ("unix:" if kind == "unix" else "") + f"{module.folder.name}/module"

    @each_dialect(NONOS, ESP_AT)
    def test_session(self, dialect):
        """A session through it is as without; its recording is what passed, and is explained"""
        record = self.write("")
        target = self.wire(listener())
        with Tapped(self.module(f"--dialect={dialect}"), f"--record={record}", dialect=dialect) as tap:
            tap.at("AT+CIPMUX=1")
            tap.connect("TCP", port_of(target), 0)
            peer = self.wire(accept(target))
            tap.send(b"hello", 0)
            self.assertEqual(peer.recv(100), b"hello")
            peer.sendall(b"good day")
            tap.serial.expect(tap.frame(b"good day", 0))
        text = record.read_text()
        self.assertIn("> hello\n", text)
        done = subprocess.run([common.PROGRAM, "explain", record], capture_output=True, encoding="ascii",
                              timeout=PATIENCE, check=False)
        self.assertRegex(done.stdout, r"(?m)^link 0: from line \d+, still open at the end; 8 bytes received, 5 sent$")
        self.assertRegex(done.stdout, "nothing is missing, and nothing looks wrong\n$")

    def test_much(self):
        """A megabyte each way, through passthrough, on a Unix socket: nothing is lost"""
        target = self.wire(listener())
        data = pattern(1 << 20)
        with Tapped(self.module(kind="unix")) as tap:
            tap.connect("TCP", port_of(target))
            tap.passthrough()
            peer = Peer(self.wire(accept(target)), data)
            tap.serial.send(data)
            self.assertEqual(tap.serial.take(len(data)), data)
            peer.wait(len(data))
            self.assertEqual(peer.digest.hexdigest(), common.hashlib.sha256(data).hexdigest())

    def test_rates(self):
        """The rate follows the OK of AT+UART_CUR, and the program on the pseudo-terminal; the module garbles at another"""
        with Tapped(self.module("--pace=real", f"--dialect={ESP_AT}"), dialect=ESP_AT, join=False) as tap:
            tap.at("AT+UART_CUR=57600,8,1,0,0")
            tap.wait_log("^rate: 57600 baud$")
            tap.at("AT")
            tap.serial.send(b"AT+UART_CUR=1,8,1,0,0\r\n")
            tap.serial.until(b"ERROR\r\n")
            tap.at("AT")
            tap.at("AT+UART_CUR=9600,8,1,0,0")
            tap.set_rate(termios.B9600)
            tap.at("AT")
            tap.set_rate(termios.B19200)  # now the host is wrong, and so the module hears noise
            tap.serial.send(b"AT\r\n")
            tap.wait_log("^rate: 19200 baud, as the host has it$")
            tap.set_rate(termios.B9600)
            tap.serial.send(b"\r\n")
            tap.wait_log("^rate: 9600 baud, as the host has it$")

    def test_fault(self):
        """A built-in fault of the wire, named on the log and explained as it happens; one with links is refused"""
        target = self.wire(listener())
        with Tapped(self.module(), "--fault=send-ok-twice", "--explain") as tap:
            tap.connect("TCP", port_of(target))
            tap.send(b"hello")
            tap.serial.expect(b"\r\nSEND OK\r\n")
            tap.wait_log("^fault: printed: a text twice")
            tap.wait_log(r"^\d+\.\d+ s: send-ok-twice \(pain 7\): ")
        for text in ("link 0 resets", 'on printed "OK" link 0 resets', "nonsense"):
            done = subprocess.run([common.PROGRAM, "tap", "pty", self.module(), f"--fault={self.write(text)}"],
                                  capture_output=True, encoding="ascii", timeout=PATIENCE, check=False)
            self.assertEqual(done.returncode, 3, done)
            self.assertRegex(done.stderr, r"file:1: column \d+: expected typed, printed, match")

    def test_control(self):
        """A test program says the words while it runs, and asks for the counters"""
        with Tapped(self.module(), "--control={folder}/control", join=False) as tap:
            def ask(*words):
                return subprocess.run([common.PROGRAM, "ctl", f"{tap.folder.name}/control", *words],
                                      capture_output=True, encoding="ascii", timeout=PATIENCE, check=False)
            self.assertEqual(ask("typed loses 1 after=1").stdout, "OK\n")
            tap.serial.send(b"AT\r\n")
            tap.serial.until(b"ERROR\r\n")
            tap.wait_log("^fault: typed: 1 byte lost")
            self.assertEqual(ask('printed adds "noise"').stdout, "OK\n")
            tap.serial.expect(b"noise")
            self.assertRegex(ask("counters").stdout, r"^OK typed=\d+ printed=\d+\n$")
            self.assertRegex(ask("link 0 resets").stdout, "^ERROR column 1: expected typed, ")

    def test_ends(self):
        """It ends with the module's line, and with a signal as a program does; the link to the pseudo-terminal is gone"""
        server = self.wire(socket.create_server(("127.0.0.1", 0)))
        tap = Process("tap", "pty:{folder}/tap", f"127.0.0.1:{port_of(server)}")
        self.addCleanup(tap.close, False)
        tap.wait_log("^tap: the host is at")
        path = pathlib.Path(tap.folder.name, "tap")
        self.assertTrue(path.is_symlink())
        server.accept()[0].close()
        tap.wait_log(r"^tap: 127.0.0.1:\d+ is gone$")
        self.assertEqual(tap.process.wait(PATIENCE), 0)
        self.assertFalse(path.is_symlink())

    def test_wrong(self):
        """Wrong options, no such line"""
        for options in ([], ["pty"], ["pty", "a", "b"], ["pty", "/dev/null/nothing"], ["/dev/null/nothing", "pty"],
                        ["pty", "x", "--nonsense"], ["pty", "x", "--seed=x"]):
            done = subprocess.run([common.PROGRAM, "tap", *options], capture_output=True, timeout=PATIENCE, check=False)
            self.assertEqual(done.returncode, 2, options)


if __name__ == "__main__":
    main()
