"""SNTP and name servers: real packets to small servers of this test, on ports that --redirect leads to."""
import calendar
import re
import socket
import struct
import threading
import time

from modem import ESP_AT, HERE, NONOS, OK, Case, Modem, each_dialect, main, port_of, udp

NTP_1970 = 2208988800
FRIDAY = calendar.timegm((2020, 2, 7, 14, 23, 50))
FRIDAY_TEXT = {NONOS: b"Fri Feb 07 14:2", ESP_AT: b"Fri Feb  7 14:2"}
ELSEWHERE = "192.0.2.53"  # nobody's, unless --redirect says otherwise


class Server(threading.Thread):
    """Answers each datagram with those that reply(datagram) gives, and keeps the questions."""

    def __init__(self, reply):
        super().__init__(daemon=True)
        self.reply = reply
        self.socket = udp()
        self.socket.settimeout(None)
        self.questions = []
        self.start()

    def run(self):
        while True:
            question, sender = self.socket.recvfrom(4096)
            if not question:  # close() says so
                return
            self.questions.append(question)
            for answer in self.reply(question):
                self.socket.sendto(answer, sender)

    def close(self):
        with udp() as end:
            end.sendto(b"", self.socket.getsockname())
        self.join()
        self.socket.close()

    def redirect(self, address, port):
        return f"--redirect={address}:{port}:{port_of(self.socket)}/udp"


def ntp(question, seconds=FRIDAY, first=0x24, stratum=1, originate=None, transmit=None):
    """An answer to an SNTP question; as it should be, but for what is said otherwise."""
    now = struct.pack(">II", seconds + NTP_1970, 0)
    return bytes([first, stratum, 6, 0xEC]) + bytes(20) + (originate or question[40:48]) + now + \
        (now if transmit is None else transmit)


def names(**known):
    """A name server's reply(): the IPv4 address of what it knows (dots are _), else that there is no such name."""

    def reply(question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        kind = struct.unpack(">H", question[at + 1:at + 3])[0]
        address = known.get("_".join(labels))
        record = b""
        if address and kind == 1:
            record = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(address)
        flags = 0x8180 if address else 0x8183
        yield question[:2] + struct.pack(">HHHHH", flags, 1, 1 if record else 0, 0, 0) + question[12:at + 5] + record

    return reply


class Sntp(Case):
    def time(self, modem):
        modem.serial.send(b"AT+CIPSNTPTIME?\r\n")
        return re.fullmatch(rb"\+CIPSNTPTIME:(.*?)(\r\n)?" + OK[2:], modem.serial.until(b"OK\r\n"), re.S).group(1)

    @each_dialect(NONOS, ESP_AT)
    def test_the_time(self, dialect):
        """AT+CIPSNTPCFG asks its server in one packet of 48 bytes, and AT+CIPSNTPTIME tells what that answered"""
        server = self.wire(Server(lambda question: [ntp(question)]))
        with Modem(server.redirect(HERE, 123), dialect=dialect) as modem:
            modem.at(f'AT+CIPSNTPCFG=1,0,"{HERE}"')
            modem.wait_log(rf"^sntp: {HERE} says 2020-02-07 14:23:5\d UTC$")
            self.assertTrue(self.time(modem).startswith(FRIDAY_TEXT[dialect]))
            modem.at(f'AT+CIPSNTPCFG=1,1,"{HERE}"')
            modem.wait_log("^sntp: .*says", len(modem.log) - 1)
            self.assertRegex(self.time(modem), rb" 15:2\d:\d\d 2020$")
        self.assertEqual({(len(question), question[:40]) for question in server.questions},
                         {(48, bytes([0x23]) + bytes(39))})
        self.assertEqual(len({question[40:] for question in server.questions}), len(server.questions))

    def test_what_is_no_answer(self):
        """Another mode, a strange originate, no synchronised clock, a short packet: noted and ignored"""
        def reply(question):
            yield ntp(question, 1, first=0x23)
            yield ntp(question, 1, originate=bytes(8))
            yield ntp(question, 1, originate=b"x" + question[41:48])
            yield ntp(question, 1, first=0xE4)
            yield ntp(question, 1, stratum=16)
            yield ntp(question, 1, transmit=bytes(8))
            yield ntp(question, 1)[:47]
            yield ntp(question) + b"an extension"

        server = self.wire(Server(reply))
        with Modem(server.redirect(HERE, 123), dialect=NONOS) as modem:
            modem.at(f'AT+CIPSNTPCFG=1,0,"{HERE}"')
            modem.wait_log("^sntp: .*says 2020")
            self.assertTrue(self.time(modem).startswith(FRIDAY_TEXT[NONOS]))
            self.assertEqual(sum("not-the-time" in line for line in modem.log), 7)

    def test_the_next_server(self):
        """A silent server is given up after its time, one that asks to be left alone at once; then the next is asked"""
        silent = self.wire(Server(lambda question: []))
        weary = self.wire(Server(lambda question: [ntp(question, stratum=0)]))
        third = self.wire(Server(lambda question: [ntp(question)]))
        places = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
        with Modem(*(server.redirect(place, 123) for server, place in zip((silent, weary, third), places)),
                   "--timing=sntp_retry=200", dialect=NONOS) as modem:
            modem.at('AT+CIPSNTPCFG=1,0,"' + '","'.join(places) + '"')
            modem.wait_log("^sntp: 192.0.2.3 says 2020")
            told = [line for line in modem.log if re.search("sntp: to|time-refused", line)]
            self.assertEqual([re.search(r"192[\d.]+|\[.*\]", line).group() for line in told],
                             ["192.0.2.1", "192.0.2.2", "[time-refused]", "192.0.2.3"])
            self.assertEqual([re.search(r"server (\d)", line).group(1) for line in modem.log if "sntp-failed" in line],
                             ["1", "2"])
        self.assertEqual([len(server.questions) for server in (silent, weary, third)], [1, 1, 1])

    def test_again_and_again(self):
        """One server that is silent twice is asked three times"""
        left = [[], []]
        server = self.wire(Server(lambda question: left.pop() if left else [ntp(question)]))
        with Modem(server.redirect(HERE, 123), "--timing=sntp_retry=100", dialect=NONOS) as modem:
            modem.at(f'AT+CIPSNTPCFG=1,0,"{HERE}"')
            modem.wait_log("^sntp: .*says 2020")
        self.assertEqual(len(server.questions), 3)

    def test_by_name(self):
        """The server's name is looked up at the modem's own name servers"""
        server = self.wire(Server(lambda question: [ntp(question)]))
        book = self.wire(Server(names(time_test="192.0.2.7")))
        with Modem(server.redirect("192.0.2.7", 123), book.redirect(HERE, 53), dialect=NONOS) as modem:
            modem.at('AT+CIPSNTPCFG=1,0,"time.test"')
            modem.wait_log("^sntp: to 192.0.2.7:123, time.test$")
            modem.wait_log("^sntp: time.test says 2020")

    def test_nobody_listens(self):
        """A closed port: the log says so, the modem waits as for a silent server"""
        with udp() as gone:
            place = f"--redirect={HERE}:123:{port_of(gone)}/udp"
        with Modem(place, "--timing=sntp_retry=100", dialect=NONOS) as modem:
            modem.at(f'AT+CIPSNTPCFG=1,0,"{HERE}"')
            modem.wait_log("connection-refused")
            modem.wait_log("sntp-failed")
            modem.serial.quiet()

    def test_only_this_computer(self):
        """--net=local: no question leaves this computer, and the log says why"""
        with Modem("--net=local", dialect=NONOS) as modem:
            modem.at('AT+CIPSNTPCFG=1,0,"192.0.2.1"')
            modem.wait_log("net-limit")
            modem.wait_log("sntp-failed")

    def test_this_computers_clock(self):
        """`sntp any clock` in the world file: this computer's time, without a packet"""
        world = self.write('ap ssid="lab" password="password"\nsntp any clock')
        with Modem(f"--world={world}", dialect=NONOS) as modem:
            modem.at("AT+CIPSNTPCFG=1,0")
            said = calendar.timegm(time.strptime(self.time(modem).decode(), "%a %b %d %H:%M:%S %Y"))
            self.assertLess(abs(said - time.time()), 20)


class NameServers(Case):
    def domain(self, modem, name, address):
        modem.serial.send(f'AT+CIPDOMAIN="{name}"\r\n'.encode())
        self.assertRegex(modem.serial.until(OK), b'\\+CIPDOMAIN:"?' + re.escape(address.encode()) + b'"?\r\n')

    def dns(self, modem):
        return "AT+CIPDNS_CUR" if modem.nonos else "AT+CIPDNS"

    @each_dialect(NONOS, ESP_AT)
    def test_the_modems_own(self, dialect):
        """Names are asked of the servers of AT+CIPDNS; automatic again, of this computer"""
        book = self.wire(Server(names(printer_test="192.0.2.9")))
        with Modem(book.redirect(ELSEWHERE, 53), dialect=dialect) as modem:
            self.domain(modem, "localhost", HERE)
            self.assertEqual(book.questions, [])
            modem.at(f'{self.dns(modem)}=1,"{ELSEWHERE}"')
            self.domain(modem, "printer.test", "192.0.2.9")
            asked = len(book.questions)
            self.assertGreater(asked, 0)
            modem.serial.send(b'AT+CIPDOMAIN="nobody.test"\r\n')
            modem.serial.until(b"ERROR\r\n")
            self.assertGreater(len(book.questions), asked)
            asked = len(book.questions)
            modem.at(f"{self.dns(modem)}=0")
            if not modem.nonos:  # from the next lease on
                modem.at("AT+CWQAP", b"WIFI DISCONNECT\r\n" + OK)
                modem.at('AT+CWJAP="lab","password"', b"WIFI CONNECTED\r\nWIFI GOT IP\r\n" + OK)
            self.domain(modem, "localhost", HERE)
            self.assertEqual(len(book.questions), asked)

    def test_in_their_order(self):
        """The second server is asked when the first is not there"""
        second = self.wire(Server(names(printer_test="192.0.2.9")))
        with udp() as gone:
            first = f"--redirect=192.0.2.1:53:{port_of(gone)}/udp"
        with Modem(first, second.redirect("192.0.2.2", 53), dialect=ESP_AT) as modem:
            modem.at('AT+CIPDNS=1,"192.0.2.1","192.0.2.2"')
            self.domain(modem, "printer.test", "192.0.2.9")
            modem.at('AT+CIPDNS=1,"192.0.2.2","192.0.2.1"')
            self.domain(modem, "printer.test", "192.0.2.9")
        self.assertGreaterEqual(len(second.questions), 2)

    def test_given_up_again_and_again(self):
        """Lookups that the modem gave up leave nothing behind: the next one is asked as ever"""
        silent = self.wire(Server(lambda question: []))
        book = self.wire(Server(names(printer_test="192.0.2.9")))
        with Modem(silent.redirect("192.0.2.1", 53), book.redirect("192.0.2.2", 53), "--timing=dns_limit=200",
                   dialect=ESP_AT) as modem:
            modem.at('AT+CIPDNS=1,"192.0.2.1"')
            modem.serial.quiet()
            fds = modem.fds()
            for _ in range(10):
                modem.serial.send(b'AT+CIPDOMAIN="printer.test"\r\n')
                modem.serial.until(b"ERROR\r\n")
            self.assertGreaterEqual(len(silent.questions), 10)
            modem.at('AT+CIPDNS=1,"192.0.2.2"')
            self.domain(modem, "printer.test", "192.0.2.9")
            self.settled(modem, fds)

    def test_a_dial_by_name(self):
        """AT+CIPSTART by a name that only the modem's server knows, to a place that is redirected too"""
        book = self.wire(Server(names(shop_test="192.0.2.80")))
        with socket.create_server(("127.0.0.1", 0)) as shop:
            with Modem(book.redirect(ELSEWHERE, 53), f"--redirect=192.0.2.80:80:{port_of(shop)}",
                       dialect=ESP_AT) as modem:
                modem.at(f'AT+CIPDNS=1,"{ELSEWHERE}"')
                modem.connect("TCP", 80, host="shop.test")
                modem.at("AT+CIPSTATUS", re.sub(rb"PORT", str(modem_port(modem)).encode(),
                         b'STATUS:3\r\n+CIPSTATUS:0,"TCP","192.0.2.80",80,PORT,0\r\n') + OK)
                modem.hang_up()

    def test_redirected_datagrams_come_back(self):
        """UDP: the answer of a redirected server comes from the address that was asked"""
        peer = self.wire(udp())
        with Modem(f"--redirect=192.0.2.5:7:{port_of(peer)}/udp", dialect=NONOS) as modem:
            modem.at("AT+CIPDINFO=1")
            modem.connect("UDP", 7, host="192.0.2.5")
            modem.send(b"ping")
            data, sender = peer.recvfrom(100)
            self.assertEqual(data, b"ping")
            peer.sendto(b"pong", sender)
            modem.serial.expect(b"\r\n+IPD,4,192.0.2.5,7:pong")

    def test_only_this_computer(self):
        """--net=local: a server elsewhere is not asked, one of this computer is; the log says why"""
        book = self.wire(Server(names(printer_test="192.0.2.9")))
        with Modem("--net=local", book.redirect("192.0.2.2", 53), dialect=ESP_AT) as modem:
            modem.at(f'AT+CIPDNS=1,"{ELSEWHERE}"')
            modem.serial.send(b'AT+CIPDOMAIN="printer.test"\r\n')
            modem.serial.until(b"ERROR\r\n")
            modem.wait_log(rf"{ELSEWHERE}:53, .*\[net-limit\]")
            modem.at(f'AT+CIPDNS=1,"{ELSEWHERE}","192.0.2.2"')
            self.domain(modem, "printer.test", "192.0.2.9")

    def test_dead_in_the_world(self):
        """`dns dead` in the world file: no answer, so the modem gives up after its own time"""
        world = self.write('ap ssid="lab" password="password"\ndns dead')
        with Modem(f"--world={world}", "--timing=dns_limit=200", dialect=ESP_AT) as modem:
            modem.serial.send(b'AT+CIPDOMAIN="localhost"\r\n')
            modem.serial.until(b"ERROR\r\n")
            modem.wait_log("dns-fail")

    def test_nonsense(self):
        """Packets that are no answer do not end the lookup, and do no harm"""
        reply = names(printer_test="192.0.2.9")

        def nonsense(question):
            for good in reply(question):
                yield b"\0"
                yield good[:12]
                yield bytes(2) + good[2:]
                yield good

        book = self.wire(Server(nonsense))
        with Modem(book.redirect(ELSEWHERE, 53), dialect=ESP_AT) as modem:
            modem.at(f'AT+CIPDNS=1,"{ELSEWHERE}"')
            for _ in range(20):
                self.domain(modem, "printer.test", "192.0.2.9")
            modem.serial.quiet()


def modem_port(modem):
    """The local port of the only link that was dialled."""
    return int(re.search(r"from port (\d+)", modem.wait_log("^connected:")).group(1))


if __name__ == "__main__":
    main()
