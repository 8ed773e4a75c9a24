"""--record: sessions over real sockets, written as transcripts, give the same bytes when the transcript runner plays them."""
import os
import re
import socket
import struct
import subprocess
import tempfile

from modem import (CLASSIC, ESP_AT, HERE, OK, PATIENCE, Case, Modem, accept, client, each_dialect, listener, main, port_of,
                   receive, udp)
import modem as common


class Record(Case):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="cipmux-e2e-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "session.txt")

    def modem(self, dialect, *options, **more):
        return Modem(f"--record={self.path}", *options, dialect=dialect, **more)

    def text(self):
        with open(self.path, encoding="ascii") as file:
            return file.read()

    def play(self):
        """The transcript runner on the file: every cut gives the same bytes."""
        runner = os.path.join(os.path.dirname(common.PROGRAM), "tests", "transcripts")
        return subprocess.run([runner, "--cuts=5", self.path], capture_output=True, text=True, timeout=PATIENCE, check=False)

    def assert_plays(self):
        done = self.play()
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{self.text()}")
        self.assertIn("1 passed, 0 failed", done.stdout)


def trips(modem, connection, link=None):
    """Bytes both ways, all kinds of them, and more than a segment."""
    modem.send(b"hello {world} \\ \"x\" \0\xff\r\n ", link)
    receive(connection, 25)
    for data in (b"back {n} \r\n", bytes(range(256)), b"x" * 1460):
        connection.sendall(data)
        modem.expect_data(data, link)
    modem.send(bytes(range(256)) * 8, link)
    receive(connection, 2048)


class Sessions(Record):
    @each_dialect(CLASSIC, ESP_AT)
    def test_client(self, dialect):
        """Single mode: refused, a link that the modem closes, one that the peer closes, one that it resets"""
        target, nobody = self.wire(listener()), listener()
        port = port_of(nobody)
        nobody.close()
        with self.modem(dialect) as modem:
            modem.serial.send(f'AT+CIPSTART="TCP","{HERE}",{port}\r\n'.encode())
            modem.serial.until(b"CLOSED\r\n" if modem.nonos else b"ERROR\r\n")
            modem.connect("TCP", port_of(target))
            connection = self.wire(accept(target))
            trips(modem, connection)
            modem.serial.send(b"AT+CIPSTATUS\r\n")  # has the port that this computer chose
            modem.serial.until(OK)
            modem.hang_up()
            self.assertEqual(connection.recv(1), b"")
            for end in ("closes", "resets"):
                modem.connect("TCP", port_of(target))
                connection = self.wire(accept(target))
                if end == "resets":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
                modem.serial.expect(b"CLOSED\r\n")
        text = self.text()
        for line in (rf"! refuse {HERE}:{port}", rf"! listen peer1 {HERE}:{port_of(target)}", "! peer2 closes",
                     "! peer3 resets", r"! peer1 got \"hello"):
            self.assertRegex(text, rf"(?m)^{line}")
        self.assert_plays()

    @each_dialect(CLASSIC, ESP_AT)
    def test_server(self, dialect):
        """Multiple mode: clients of the modem's server and a link of its own, at the same time"""
        target = self.wire(listener())
        with self.modem(dialect, "--publish=0:80") as modem:
            modem.at("AT+CIPMUX=1")
            modem.at("AT+CIPSERVER=1,80")
            place = modem.published(80)
            clients = []
            for link in range(3):
                clients.append(self.wire(client(place)))
                modem.serial.expect(f"{link},CONNECT\r\n".encode())
            modem.connect("TCP", port_of(target), 4)
            connection = self.wire(accept(target))
            for link in (2, 0):
                trips(modem, clients[link], link)
            trips(modem, connection, 4)
            clients[1].close()
            modem.serial.expect(b"1,CLOSED\r\n")
            modem.hang_up(0)
            for end in [clients[2], connection]:  # at the same time
                end.sendall(b"bye")
                end.close()
            modem.serial.until(b"CLOSED\r\n")
            modem.serial.until(b"CLOSED\r\n")
            modem.serial.send(b"AT+CIPSTATUS\r\n")
            modem.serial.until(OK)
        self.assertRegex(self.text(), r"(?m)^! client client1 to 80 from=10.0.2.2:\d+$")
        self.assert_plays()

    @each_dialect(CLASSIC, ESP_AT)
    def test_udp(self, dialect):
        """Datagrams both ways, to a fixed peer and from another one"""
        peer, other = self.wire(udp()), self.wire(udp())
        with self.modem(dialect) as modem:
            with udp() as free:
                port = port_of(free)
            modem.connect("UDP", port_of(peer), rest=f",{port},2")
            modem.send(b"ping")
            self.assertEqual(peer.recv(100), b"ping")
            for sender in (peer, other):
                sender.sendto(b"pong", ("127.0.0.1", port))
                modem.expect_data(b"pong")
            modem.send(b"to the other one")
            self.assertEqual(other.recv(100), b"to the other one")
            modem.hang_up()
        self.assert_plays()

    @each_dialect(CLASSIC, ESP_AT)
    def test_passthrough(self, dialect):
        """Passthrough both ways and out again with +++, whose silence the file has"""
        target = self.wire(listener())
        with self.modem(dialect) as modem:
            modem.at("AT+SYSMSG_CUR=1" if modem.nonos else "AT+SYSMSG=1")
            modem.connect("TCP", port_of(target))
            connection = self.wire(accept(target))
            modem.passthrough()
            for data in (b"up", bytes(range(256)) * 20):
                modem.serial.send(data)
                self.assertEqual(receive(connection, len(data)), data)
                connection.sendall(data)
                modem.serial.expect(data)
            # what the peer has was sent 20 ms after the last byte, so +++ stands alone
            modem.serial.send(b"+++")
            modem.serial.expect(b"+QUITT\r\n" if modem.nonos else b"\r\n+QUITT\r\n")
            modem.at("AT+CIPMODE=0")
            modem.hang_up()
        self.assert_plays()

    @each_dialect(CLASSIC, ESP_AT)
    def test_world(self, dialect):
        """Words of the world file, of the control socket and of faults; the pin resets the modem"""
        world = f"{self.path}.world"
        with open(world, "w", encoding="ascii") as file:
            file.write('ap ssid="cafe" password="espresso" rssi=-70\non typed "AT+CIPSEND=1" link 0 resets\n')
        target = self.wire(listener())
        with self.modem(dialect, f"--world={world}", "--control={folder}/control") as modem:
            modem.at('AT+CWJAP="cafe","espresso"', b"WIFI DISCONNECT\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n" + OK)
            modem.connect("TCP", port_of(target))
            self.wire(accept(target))
            modem.serial.send(b"AT+CIPSEND=1\r\n")
            modem.serial.until(b"ERROR\r\n")
            for words in ('ap-gone ssid="cafe"', "reset"):
                done = subprocess.run([common.PROGRAM, "ctl", os.path.join(modem.folder.name, "control"), words],
                                      capture_output=True, timeout=PATIENCE, check=False)
                self.assertEqual(done.returncode, 0, done)
                modem.serial.until(b"WIFI DISCONNECT\r\n" if words[0] == "a" else b"ready\r\n")
        text = self.text()
        for line in ('! ap ssid="cafe" password="espresso" rssi=-70', "! peer1 resets", '! ap-gone ssid="cafe"',
                     "! reset-pin"):
            self.assertIn(f"\n{line}\n", text)
        self.assertNotIn("on typed", text)
        self.assert_plays()


class Differences(Record):
    def test_one_byte(self):
        """A recorded file with one byte changed does not play: on each side of it"""
        target = self.wire(listener())
        with self.modem(CLASSIC) as modem:
            modem.connect("TCP", port_of(target))
            connection = self.wire(accept(target))
            trips(modem, connection)
            modem.hang_up()
        good = self.text()
        self.assert_plays()
        lines = good.split("\n")
        changed = 0
        for number, line in enumerate(lines):
            if not re.match(r'< \S|> AT|! peer1 (got|sends) "', line):
                continue
            at = len(line) // 2
            while not line[at].isalnum() or line[at - 1] in "\\x{" or line[at - 2] in "\\x":
                at -= 1
                if at < 3:
                    break
            if at < 3:
                continue
            other = "Q" if line[at] != "Q" else "R"
            with open(self.path, "w", encoding="ascii") as file:
                file.write("\n".join(lines[:number] + [line[:at] + other + line[at + 1:]] + lines[number + 1:]))
            self.assertNotEqual(self.play().returncode, 0, f"line {number + 1}: {line}")
            changed += 1
        self.assertGreater(changed, 20)


if __name__ == "__main__":
    main()
