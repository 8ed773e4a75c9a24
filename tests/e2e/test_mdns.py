"""AT+MDNS: real questions by multicast on the loopback, as other responders and plain resolvers of this computer ask them."""
import os
import random
import socket
import struct

from modem import CLASSIC, ESP_AT, NONOS, PATIENCE, Case, Modem, each_dialect, main

GROUP = ("224.0.0.251", 5353)
LOOPBACK = socket.inet_aton("127.0.0.1")
A, PTR, TXT, SRV, ANY = 1, 12, 16, 33, 255
IN, BIT = 1, 0x8000  # the bit: in a question "answer me alone", in a record "forget others"
OWN = f"-{os.getpid()}"  # in each name of this test; its other runs speak on the same loopback
ALONE = "127.%d.%d.%d" % (1 + os.getpid() // 65536 % 254, os.getpid() // 256 % 256, os.getpid() % 256)
TYPES = "_services._dns-sd._udp.local"


def member(address="224.0.0.251", port=5353):
    """A socket that hears the group on the loopback, and speaks there."""
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    peer.bind((address, port))
    peer.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP[0]) + LOOPBACK)
    peer.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, LOOPBACK)
    peer.settimeout(PATIENCE)
    return peer


def has_multicast():
    try:
        with member() as one, member() as other:
            one.settimeout(1)
            other.sendto(b"", GROUP)
            return one.recv(1) == b""
    except OSError:
        return False


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def question(name, kind, number=0, extra=0):
    return struct.pack(">HHHHHH", number, 0, 1, 0, 0, 0) + wire(name) + struct.pack(">HH", kind, IN | extra)


def name_at(packet, at):
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels), at + 1


def records(packet):
    """All records of an answer as {(name, type): (class, TTL, what it says)}."""
    _, flags, questions, *counts = struct.unpack(">HHHHHH", packet[:12])
    assert flags == 0x8400, hex(flags)
    at, found = 12, {}
    for _ in range(questions):
        at = name_at(packet, at)[1] + 4
    for _ in range(sum(counts)):
        name, at = name_at(packet, at)
        kind, group, ttl, length = struct.unpack(">HHIH", packet[at:at + 10])
        data = packet[at + 10:at + 10 + length]
        at += 10 + length
        if kind == PTR:
            data = name_at(data, 0)[0]
        elif kind == SRV:
            data = (struct.unpack(">H", data[4:6])[0], name_at(data, 6)[0])
        elif kind == A:
            data = socket.inet_ntoa(data)
        found[name, kind] = (group, ttl, data)
    assert at == len(packet)
    return found


def strings(*texts):
    return b"".join(bytes([len(text)]) + text.encode() for text in texts)


class Mdns(Case):
    def setUp(self):
        if not has_multicast():
            self.skipTest("the loopback of this computer has no multicast")

    def heard(self, peer, wanted):
        """The next answer with that record; other responders of this computer speak here too."""
        while True:
            packet = peer.recv(2000)
            if packet[2:4] == b"\x84\0" and OWN.encode() in packet and wanted in records(packet):
                return records(packet)

    def ask(self, name, kind):
        """As a plain resolver does, from a port of its own; again when a second passes without an answer."""
        with member("127.0.0.1", 0) as resolver:
            asked = question(name, kind, 4711)
            resolver.settimeout(1)
            for _ in range(int(PATIENCE)):
                resolver.sendto(asked, GROUP)
                try:
                    packet, sender = resolver.recvfrom(2000)
                    while OWN.encode() not in packet[len(asked):]:  # another responder's
                        packet, sender = resolver.recvfrom(2000)
                    break
                except TimeoutError:
                    pass
            self.assertEqual(sender, ("127.0.0.1", 5353))
            self.assertEqual(packet[:2], asked[:2])
            self.assertEqual(packet[12:len(asked)], asked[12:])
            return records(packet)

    @each_dialect(NONOS, ESP_AT)
    def test_from_beginning_to_end(self, dialect):
        """Two announcements of all records, answers to everybody, and at AT+MDNS=0 a goodbye"""
        service, text = (("_http", strings("vendor = Espressif", "version = 1.0", "module = AT")) if dialect == NONOS
                         else ("http", strings("vendor=Espressif", "module=AT", "version=1.0")))
        service += f"{OWN}._tcp.local"
        everything = {(TYPES, PTR): (IN, 4500, service), (service, PTR): (IN, 4500, f"esp{OWN}." + service),
                      (f"esp{OWN}." + service, SRV): (IN | BIT, 120, (8080, f"esp{OWN}.local")),
                      (f"esp{OWN}." + service, TXT): (IN | BIT, 4500, text), (f"esp{OWN}.local", A): (IN | BIT, 120, "127.0.0.1")}
        peer = self.wire(member())
        with Modem(dialect=dialect) as modem:
            modem.at(f'AT+MDNS=1,"esp{OWN}","http{OWN}",80')
            modem.wait_log(rf"^mdns: esp{OWN}.local, {service} at 127.0.0.1:8080$")
            for _ in range(2):
                self.assertEqual(self.heard(peer, (f"esp{OWN}.local", A)), everything)
            peer.sendto(question(f"ESP{OWN}.local", A), GROUP)
            self.assertEqual(self.heard(peer, (f"esp{OWN}.local", A)), {(f"esp{OWN}.local", A): everything[f"esp{OWN}.local", A]})
            peer.sendto(question(service, PTR), GROUP)
            del everything[TYPES, PTR]
            self.assertEqual(self.heard(peer, (service, PTR)), everything)
            modem.at("AT+MDNS=0")
            gone = self.heard(peer, (f"esp{OWN}.local", A))
            self.assertEqual(gone.keys(), {*everything, (TYPES, PTR)})
            self.assertEqual({ttl for _, ttl, _ in gone.values()}, {0})

    def test_a_plain_resolver(self):
        """From another port than 5353: the answer goes there, with the question and a short life"""
        with Modem(dialect=NONOS) as modem:
            modem.at(f'AT+MDNS=1,"esp{OWN}","iot{OWN}",5000')
            self.assertEqual(self.ask(f"esp{OWN}.local", A), {(f"esp{OWN}.local", A): (IN, 10, "127.0.0.1")})
            self.assertEqual(self.ask(f"esp{OWN}._iot{OWN}._tcp.local", ANY)[f"esp{OWN}._iot{OWN}._tcp.local", SRV],
                             (IN, 10, (5000, f"esp{OWN}.local")))
            self.assertEqual(self.ask(TYPES, PTR)[TYPES, PTR], (IN, 10, f"_iot{OWN}._tcp.local"))

    def test_alone(self):
        """A question that wants its answer alone gets it by unicast"""
        with Modem(dialect=NONOS) as modem, member(ALONE) as alone:
            modem.at(f'AT+MDNS=1,"esp{OWN}","iot{OWN}",5000')
            alone.sendto(question(f"esp{OWN}.local", A, extra=BIT), GROUP)
            self.assertEqual(records(alone.recv(2000)), {(f"esp{OWN}.local", A): (IN | BIT, 120, "127.0.0.1")})

    def test_where_the_server_is(self):
        """The port of the answer is the one at which the modem's server is published"""
        with Modem("--publish=0:80", dialect=CLASSIC) as modem:
            modem.at("AT+CIPMUX=1")
            modem.at("AT+CIPSERVER=1,80")
            _, port = modem.published(80)
            modem.at(f'AT+MDNS=1,"esp{OWN}","iot{OWN}",80')
            self.assertEqual(self.ask(f"esp{OWN}._iot{OWN}._tcp.local", SRV)[f"esp{OWN}._iot{OWN}._tcp.local", SRV][2], (port, f"esp{OWN}.local"))

    def test_another_address(self):
        """A service that --publish puts at another address is found there"""
        with Modem("--publish=127.0.0.3:8888:80", dialect=NONOS) as modem:
            modem.at(f'AT+MDNS=1,"esp{OWN}","iot{OWN}",80')
            found = self.ask(f"esp{OWN}._iot{OWN}._tcp.local", SRV)
            self.assertEqual(found[f"esp{OWN}._iot{OWN}._tcp.local", SRV][2], (8888, f"esp{OWN}.local"))
            self.assertEqual(found[f"esp{OWN}.local", A][2], "127.0.0.3")

    def test_not_before_it_joins(self):
        """esp-at takes AT+MDNS before it has an address; it is heard from when the station has joined"""
        peer = self.wire(member())
        with Modem(dialect=ESP_AT, join=False) as modem:
            modem.at(f'AT+MDNS=1,"late{OWN}","iot{OWN}",80')
            modem.wait_log("^mdns:")
            with member("127.0.0.1", 0) as resolver:
                resolver.sendto(question(f"late{OWN}.local", A), GROUP)
                modem.serial.quiet()
                resolver.setblocking(False)
                self.assertRaises(BlockingIOError, resolver.recv, 1)
            modem.at("AT+CWMODE=1")
            modem.at('AT+CWJAP="lab","password"', b"WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n")
            self.heard(peer, (f"late{OWN}.local", A))
            self.assertIn((f"late{OWN}.local", A), self.ask(f"late{OWN}.local", A))

    def test_another_name_takes_its_place(self):
        """A second AT+MDNS=1: goodbye to the first name, welcome to the second"""
        peer = self.wire(member())
        with Modem(dialect=ESP_AT) as modem:
            modem.at(f'AT+MDNS=1,"first{OWN}","iot{OWN}",80')
            self.heard(peer, (f"first{OWN}.local", A))
            modem.at(f'AT+MDNS=1,"second{OWN}","iot{OWN}",80')
            while self.heard(peer, (f"first{OWN}.local", A))[f"first{OWN}.local", A][1]:
                pass  # its second announcement may be on its way
            self.assertEqual(self.heard(peer, (f"second{OWN}.local", A))[f"second{OWN}.local", A][1], 120)

    def test_two_modems(self):
        """Two modems on one computer: each answers for its own name"""
        with Modem(dialect=NONOS) as one, Modem(dialect=ESP_AT) as other:
            one.at(f'AT+MDNS=1,"one{OWN}","iot{OWN}",80')
            other.at(f'AT+MDNS=1,"other{OWN}","iot{OWN}",81')
            self.assertEqual(self.ask(f"one{OWN}.local", A)[f"one{OWN}.local", A][2], "127.0.0.1")
            self.assertEqual(self.ask(f"other{OWN}.iot{OWN}._tcp.local", SRV)
                             [f"other{OWN}.iot{OWN}._tcp.local", SRV][2], (8081, f"other{OWN}.local"))

    def test_nonsense(self):
        """Packets of any bytes do no harm"""
        chance = random.Random(1)
        good = question(f"esp{OWN}.local", A)
        with Modem(dialect=NONOS) as modem, member("127.0.0.1", 0) as peer:
            modem.at(f'AT+MDNS=1,"esp{OWN}","iot{OWN}",80')
            for _ in range(500):
                packet = bytearray(good if chance.random() < 0.5 else chance.randbytes(chance.randrange(200)))
                for _ in range(chance.randrange(3)):
                    if packet:
                        packet[chance.randrange(len(packet))] = chance.randrange(256)
                peer.sendto(packet[:chance.randrange(len(packet) + 1)], GROUP)
            self.assertIn((f"esp{OWN}.local", A), self.ask(f"esp{OWN}.local", A))
            modem.serial.quiet()

    def test_where_there_is_none(self):
        """--net=none, or an interface that this computer does not have: the log says that nobody is answered"""
        for option, why in (("--net=none", "--net=none"), ("--publish=192.0.2.77:8080:80", "No such device")):
            with Modem(option, dialect=NONOS) as modem:
                modem.at(f'AT+MDNS=1,"esp{OWN}","iot{OWN}",80')
                modem.wait_log(rf"{why} \[no-multicast\]$")
                modem.at("AT+MDNS=0")


if __name__ == "__main__":
    main()
