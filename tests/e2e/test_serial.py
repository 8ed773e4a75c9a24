"""The serial line beyond a plain pseudo-terminal or port: a device, a connection that the modem makes, RFC 2217; the
far side's own rate, and bytes that take their time (--pace=real)."""
import os
import re
import select
import socket
import subprocess
import tempfile
import termios
import threading
import time

import serial

import modem as e2e
from modem import ERROR, OK, PATIENCE, Case, Modem, Serial, main, pattern, port_of, receive


class Program(Modem):
    """cipmux with a serial side that the test itself brings about."""

    def __init__(self, *options):
        e2e.Process.__init__(self, *options)
        self.serial = None


class NullModem:
    """Two pseudo-terminals, end to end: socat. `near` is for cipmux, `far` for the test."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="cipmux-e2e-")
        self.near, self.far = (os.path.join(self.folder.name, name) for name in ("near", "far"))
        self.plug()

    def plug(self):
        self.process = subprocess.Popen(["socat", "-d", "-d", f"pty,raw,echo=0,link={self.near}",
                                         f"pty,raw,echo=0,link={self.far}"], stderr=subprocess.PIPE)
        for line in self.process.stderr:
            if b"starting data transfer" in line:
                return
        raise AssertionError("socat ended")

    def unplug(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stderr.close()

    def open(self):
        fd = os.open(self.far, os.O_RDWR | os.O_NOCTTY)
        return Serial(fd, lambda: os.close(fd))

    def close(self):
        if self.process.poll() is None:
            self.unplug()
        self.folder.cleanup()


def set_rate(fd, rate):
    """What a program does that opens a serial port at this rate."""
    settings = termios.tcgetattr(fd)
    settings[4] = settings[5] = rate
    termios.tcsetattr(fd, termios.TCSANOW, settings)


def rate_of(path):
    """The rate that a tty has now."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        return termios.tcgetattr(fd)[5]
    finally:
        os.close(fd)


class Device(Case):
    def cable(self):
        return self.wire(NullModem())

    def modem_on(self, cable, *options):
        modem = self.wire(Program(f"--serial={cable.near}", *options))
        self.assertIn(f"this program is the modem on {cable.near} at 115200 baud", modem.wait_log("."))
        modem.serial = cable.open()
        modem.start(join=False)
        return modem

    def test_device(self):
        """--serial: the modem is on a device; the log says so first, every byte value passes"""
        modem = self.modem_on(self.cable())
        modem.at("AT+CWMODE=1")
        modem.at('AT+CWJAP="lab","password"', b"WIFI CONNECTED\r\nWIFI GOT IP\r\n" + OK)
        server = self.wire(e2e.listener())
        modem.connect("TCP", port_of(server))
        peer = self.wire(e2e.accept(server))
        data = pattern(2048)
        modem.send(data)
        self.assertEqual(receive(peer, len(data)), data)
        peer.sendall(data[:1000])
        modem.expect_data(data[:1000])

    def test_rate_follows(self):
        """--serial: AT+UART_CUR changes the device's rate, behind the OK at the old one"""
        cable = self.cable()
        modem = self.modem_on(cable)
        self.assertEqual(rate_of(cable.near), termios.B115200)
        for rate, constant in ((9600, termios.B9600), (921600, termios.B921600), (115200, termios.B115200)):
            since = len(modem.log)
            modem.at(f"AT+UART_CUR={rate},8,1,0,0")
            modem.wait_log(f"line: {rate},8,1,0,0", since)
            self.assertEqual(rate_of(cable.near), constant)
            modem.serial.quiet()

    def test_rate_of_the_start(self):
        """--serial=DEVICE,BAUD: the device's rate until the modem changes it"""
        cable = self.cable()
        modem = self.wire(Program(f"--serial={cable.near},9600"))
        modem.wait_log("at 9600 baud")
        self.assertEqual(rate_of(cable.near), termios.B9600)

    def test_unplugged(self):
        """--serial: a device that goes away is told once, and used again when it is back"""
        cable = self.cable()
        modem = self.modem_on(cable)
        modem.serial.quiet()
        modem.serial.close()
        cable.unplug()
        modem.wait_log(f"{cable.near} is gone .*; trying until it is back")
        cable.plug()
        modem.wait_log(f"{cable.near} is back")
        modem.serial = cable.open()
        modem.serial.quiet()
        self.assertEqual(sum("is gone" in line for line in modem.log), 1)

    def test_one_program(self):
        """--serial: a device has one program; one that is not there is an error at once"""
        cable = self.cable()
        self.modem_on(cable)
        second = subprocess.run([e2e.PROGRAM, f"--serial={cable.near}"], capture_output=True, timeout=PATIENCE)
        self.assertEqual(second.returncode, 2)
        self.assertEqual(second.stderr.decode(), f"cipmux: {cable.near}: another program uses it\n")
        third = subprocess.run([e2e.PROGRAM, f"--serial={cable.far}x"], capture_output=True, timeout=PATIENCE)
        self.assertEqual(third.returncode, 2)
        self.assertEqual(third.stderr.decode(), f"cipmux: {cable.far}x: No such file or directory\n")


class ConnectingOut(Case):
    def test_connects(self):
        """--tcp-connect: connects as soon as somebody listens, and again after each end"""
        server = self.wire(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE)
        modem = self.wire(Program(f"--tcp-connect=localhost:{port_of(server)}"))
        self.assertIn(f"the modem on a connection to 127.0.0.1:{port_of(server)}", modem.wait_log("."))
        modem.wait_log("not connected yet .*; trying on")
        server.listen()
        for _ in range(3):
            since = len(modem.log)
            peer = e2e.accept(server)
            modem.wait_log("somebody is there")
            modem.serial = Serial(peer.fileno(), peer.close)
            modem.start(join=False)
            modem.serial.quiet()
            modem.serial.close()
            modem.wait_log("nobody is there", since)
        self.assertEqual(sum("not connected yet" in line for line in modem.log), 1)


class Rates(Case):
    def test_wrong_rate_is_noted(self):
        """A program that sets another rate on the pseudo-terminal: noted once, and it works all the same"""
        modem = self.wire(Modem(join=False))
        set_rate(modem.serial.fd, termios.B9600)
        modem.serial.quiet()
        modem.serial.quiet()
        modem.wait_log(r"line: the program set 9600, the modem runs at 115200 \[rate-differs\]")
        modem.at("AT+UART_CUR=9600,8,1,0,0")
        modem.serial.quiet()
        modem.at("AT+UART_CUR=57600,8,1,0,0")
        modem.serial.quiet()
        modem.wait_log("line: the program set 9600, the modem runs at 57600")
        self.assertEqual(sum("the program set" in line for line in modem.log), 2)

    def test_wrong_rate_garbles(self):
        """--pace=real: at a wrong rate the modem understands nothing, at the right one everything"""
        modem = self.wire(Modem("--pace=real", join=False))
        modem.serial.quiet()
        set_rate(modem.serial.fd, termios.B38400)
        modem.serial.send(b"AT\r\n")
        modem.wait_log("line: the program set 38400, the modem runs at 115200")
        self.settle(modem.serial)
        self.assertNotIn(b"OK", modem.serial.waiting)
        modem.serial.waiting = b""
        set_rate(modem.serial.fd, termios.B115200)
        modem.serial.send(b"\r\n")
        self.settle(modem.serial)
        modem.serial.waiting = b""
        modem.serial.quiet()

    def settle(self, serial):
        """Until a pause in what the modem prints: to what was garbled nobody knows the answer."""
        while select.select([serial.fd], [], [], 0.3)[0]:
            serial._read()

    def test_switching_paced(self):
        """--pace=real: OK at the old rate, then both sides switch"""
        modem = self.wire(Modem("--pace=real", join=False))
        for rate, constant in ((9600, termios.B9600), (460800, termios.B460800), (115200, termios.B115200)):
            since = len(modem.log)
            modem.at(f"AT+UART_CUR={rate},8,1,0,0")
            modem.wait_log(f"line: {rate},8,1,0,0", since)
            set_rate(modem.serial.fd, constant)
            modem.serial.quiet()

    def test_takes_its_time(self):
        """--pace=real: bytes take as long as their bits, in both directions"""
        modem = self.wire(Modem("--pace=real", serial="tcp"))
        modem.at("AT+UART_CUR=19200,8,1,0,0")
        server = self.wire(e2e.listener())
        modem.connect("TCP", port_of(server))
        peer = self.wire(e2e.accept(server))
        data = pattern(960)
        for move in (lambda: modem.send(data), lambda: (peer.sendall(data), modem.expect_data(data))):
            begin = time.monotonic()
            move()
            took = time.monotonic() - begin
            self.assertGreater(took, 960 * 10 / 19200)
            self.assertLess(took, 960 * 10 / 19200 + 2)
        self.assertEqual(receive(peer, len(data)), data)

    def test_fast_rate(self):
        """--pace=real: 64 KB at 921600 baud, whole and in about the right time"""
        modem = self.wire(Modem("--pace=real", serial="tcp"))
        modem.at("AT+UART_CUR=921600,8,1,0,0")
        server = self.wire(e2e.listener())
        modem.connect("TCP", port_of(server))
        peer = self.wire(e2e.accept(server))
        modem.passthrough()
        data = pattern(65536)
        begin = time.monotonic()
        modem.serial.send(data)
        self.assertEqual(receive(peer, len(data)), data)
        peer.sendall(data)
        self.assertEqual(modem.serial.take(len(data)), data)
        self.assertGreater(time.monotonic() - begin, 2 * 65536 * 10 / 921600 - 0.05)

    def stalled_passthrough(self, flow):
        """A modem in passthrough to a peer that does not read until a task is given to it; both, and what was typed."""
        modem = self.wire(Modem("--pace=hardware", serial="tcp"))
        modem.at(f"AT+UART_CUR=921600,8,1,0,{flow}")
        server = self.wire(e2e.listener())
        modem.connect("TCP", port_of(server))
        peer = self.wire(e2e.accept(server))
        modem.passthrough()
        return modem, peer, pattern(256 * 1024)

    def test_hardware_loses(self):
        """--pace=hardware: without flow control the bytes of a host that types on are lost, noted, and never mixed up"""
        modem, peer, data = self.stalled_passthrough(flow=0)
        modem.serial.send(data)
        modem.wait_log("modem-overrun")
        came = receive(peer, 1)
        while select.select([peer], [], [], 1)[0]:
            came += peer.recv(65536)
        self.assertGreater(len(came), 2920)
        self.assertLess(len(came), len(data))
        rest = iter(data)
        self.assertTrue(all(byte in rest for byte in came))  # in order

    def test_hardware_rts(self):
        """--pace=hardware: with RTS the host waits, and nothing is lost"""
        modem, peer, data = self.stalled_passthrough(flow=1)
        typist = threading.Thread(target=modem.serial.send, args=(data,))
        typist.start()
        self.assertEqual(receive(peer, len(data)), data)
        typist.join()
        self.assertFalse([line for line in modem.log if "overrun" in line])

    def test_script_paced(self):
        """--pace=real: a script on stdin waits for each answer"""
        script = b"AT\n" * 5 + b"AT+CIPMUX=1\nAT+CIPSEND=0,5\nAT+CIPMUX?\n"
        done = subprocess.run([e2e.PROGRAM, "--pace=real", "--quiet"], input=script, capture_output=True,
                              timeout=PATIENCE)
        self.assertEqual(done.returncode, 0)
        self.assertNotIn(b"busy", done.stdout)
        self.assertEqual(done.stdout.count(OK), 7)
        self.assertEqual(done.stdout.count(ERROR), 1)
        self.assertIn(b"+CIPMUX:1\r\n", done.stdout)


class Rfc2217(Case):
    def modem(self, *options):
        modem = self.wire(Program("--rfc2217=127.0.0.1:0", *options))
        modem.port = int(re.search(r"127\.0\.0\.1:(\d+), RFC 2217", modem.wait_log(".")).group(1))
        return modem

    def open(self, modem, **settings):
        return self.wire(serial.serial_for_url(f"rfc2217://127.0.0.1:{modem.port}", timeout=PATIENCE, **settings))

    def at(self, port, line, answer=OK):
        port.write(line.encode() + b"\r\n")
        self.assertEqual(port.read_until(answer)[-len(answer):], answer)

    def test_pyserial(self):
        """--rfc2217: pyserial opens, sets, resets by DTR, and moves every byte value"""
        modem = self.modem()
        port = self.open(modem, baudrate=115200)
        self.at(port, "ATE0")
        self.assertTrue(port.cts and port.dsr and port.cd)
        for line in ("AT+CWMODE=1", 'AT+CWJAP="lab","password"'):
            self.at(port, line)
        server = self.wire(e2e.listener())
        self.at(port, f'AT+CIPSTART="TCP","10.0.2.2",{port_of(server)}')
        peer = self.wire(e2e.accept(server))
        self.at(port, "AT+CIPSEND=2048", b"> ")
        data = pattern(2044) + b"\xff\xff\xff\xf0"
        port.write(data)
        self.assertEqual(receive(peer, len(data)), data)
        port.read_until(b"SEND OK\r\n")
        peer.sendall(data[-1000:])
        self.assertEqual(port.read(len(b"\r\n+IPD,1000:") + 1000), b"\r\n+IPD,1000:" + data[-1000:])
        port.dtr = False
        port.dtr = True
        modem.wait_log("reset: by the reset pin")
        port.read_until(b"ready\r\n")
        self.at(port, "AT", b"AT\r\r\n" + OK)  # the echo is on again
        self.assertEqual(sum("reset pin" in line for line in modem.log), 1)

    def test_settings(self):
        """--rfc2217: rate and format are the client's, and noted where they are not the modem's"""
        modem = self.modem()
        port = self.open(modem, baudrate=9600)
        self.at(port, "AT")
        modem.wait_log(r"the program set 9600, the modem runs at 115200 \[rate-differs\]")
        port.baudrate = 115200
        port.bytesize, port.parity, port.stopbits = 7, serial.PARITY_EVEN, serial.STOPBITS_TWO
        self.at(port, "AT")
        modem.wait_log("the program set 7 data bits, parity 2; the modem 8, 0")

    def test_garbles(self):
        """--rfc2217 --pace=real: at a wrong rate nothing is understood"""
        modem = self.modem("--pace=real")
        port = self.open(modem, baudrate=38400)
        port.write(b"AT\r\n")
        modem.wait_log("the program set 38400, the modem runs at 115200")
        port.timeout = 0.3
        self.assertNotIn(b"OK", port.read(100))
        port.timeout = PATIENCE
        port.baudrate = 115200
        port.write(b"\r\n")
        self.at(port, "ATE0")
        self.at(port, "AT")

    def test_telnet(self):
        """--rfc2217: options and commands byte by byte; what is unknown is refused, what is agreed is not told twice"""
        modem = self.modem("--boot=open")
        line = self.wire(socket.create_connection(("127.0.0.1", modem.port), PATIENCE))
        line.settimeout(PATIENCE)
        ready = b"\r\nready\r\n"
        self.assertEqual(receive(line, len(ready)), ready)

        def command(*value):
            return bytes((255, 250, 44, *value, 255, 240))

        cases = (
            (b"\xff\xfd\x00\xff\xfb\x00", b"\xff\xfb\x00\xff\xfd\x00"),       # BINARY both ways
            (b"\xff\xfd\x00\xff\xfb\x03", b"\xff\xfd\x03"),                   # known already; SGA
            (b"\xff\xfd\x01\xff\xfb\x18", b"\xff\xfc\x01\xff\xfe\x18"),       # ECHO, TERMINAL-TYPE: no
            (b"\xff\xfb\x2c", b"\xff\xfd\x2c" + command(107, 0xB0)),
            (command(1, 0, 0, 0, 0), command(101, 0, 1, 0xC2, 0)),
            (bytes((255, 250, 44, 1, 0, 0, 255, 255, 255, 255, 255, 240)),           # 65535, its 0xff doubled
             bytes((255, 250, 44, 101, 0, 0, 255, 255, 255, 255, 255, 240))),
            (command(1, 0, 1, 0xC2, 0), command(101, 0, 1, 0xC2, 0)),
            (command(2, 7), command(102, 7)), (command(2, 9), command(102, 7)), (command(2, 8), command(102, 8)),
            (command(3, 2), command(103, 2)), (command(3, 4), command(103, 2)), (command(3, 1), command(103, 1)),
            (command(4, 3), command(104, 3)), (command(4, 0), command(104, 3)), (command(4, 1), command(104, 1)),
            (command(5, 3), command(105, 3)), (command(5, 0), command(105, 3)), (command(5, 1), command(105, 1)),
            (command(5, 7), command(105, 8)), (command(5, 12), command(105, 12)), (command(5, 10), command(105, 12)),
            (command(5, 4), command(105, 6)), (command(5, 13), command(105, 14)),
            (command(11, 255, 255), command(111, 255, 255) + command(107, 0xB0)),
            (command(12, 3), command(112, 3)),
            (command(0), command(100, *b"cipmux")),
            (b"\xff\xf1", b""),                                                    # NOP
            (command(0, *([65] * 300)), b""),                                       # longer than anything known
            (b"\xff\xfc\x2c", b"\xff\xfe\x2c"),
        )
        for sent, answer in cases:
            for piece in (sent, *(() if sent[1] != 250 else ([bytes((byte,)) for byte in sent]))):
                line.sendall(piece)
            twice = answer + answer if sent[1] == 250 else answer
            self.assertEqual(receive(line, len(twice)), twice, sent)
        line.sendall(b"ATE0\r\n")
        self.assertEqual(receive(line, 13), b"ATE0\r\r\n" + OK)
        self.assertEqual(e2e.rejected(("127.0.0.1", modem.port))[0], "reset")
        modem.wait_log("second-on-port")


if __name__ == "__main__":
    main()
