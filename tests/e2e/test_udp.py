"""UDP: the three modes, a datagram's own target, sizes, local ports, five links."""
import socket

from modem import ESP_AT, HERE, OK, Case, Modem, each_dialect, free_udp_port, main, pattern, port_of, udp


class Udp(Case):
    def link(self, modem, peer, mode=0):
        """A UDP link with a local port, and the address at which the modem hears."""
        local = free_udp_port()
        modem.connect("UDP", port_of(peer), rest=f",{local},{mode}")
        return "127.0.0.1", local

    @each_dialect()
    def test_local_port(self, dialect):
        """The local port is the source of what the modem sends, and AT+CIPSTATUS shows it"""
        peer = self.wire(udp())
        with Modem(dialect=dialect) as modem:
            _, local = self.link(modem, peer)
            modem.send(b"x")
            self.assertEqual(peer.recvfrom(10), (b"x", ("127.0.0.1", local)))
            modem.at("AT+CIPSTATUS",
                     f'STATUS:{3 if modem.nonos else 4}\r\n+CIPSTATUS:0,"UDP","{HERE}",{port_of(peer)},{local},0\r\n'
                     .encode() + OK)

    @each_dialect()
    def test_mode_0_keeps_the_target(self, dialect):
        """Mode 0: data of any sender arrives, the target stays"""
        first, second = self.wire(udp()), self.wire(udp())
        with Modem(dialect=dialect) as modem:
            where = self.link(modem, first)
            for sender in (second, first, second):
                sender.sendto(b"in", where)
                modem.expect_data(b"in")
                modem.send(b"out")
                self.assertEqual(first.recv(10), b"out")

    @each_dialect()
    def test_mode_1_changes_once(self, dialect):
        """Mode 1: the target changes once, to the first other sender"""
        first, second, third = (self.wire(udp()) for _ in range(3))
        with Modem(dialect=dialect) as modem:
            where = self.link(modem, first, 1)
            for sender, target in ((first, first), (second, second), (third, second), (first, second)):
                sender.sendto(b"in", where)
                modem.expect_data(b"in")
                modem.send(b"out")
                self.assertEqual(target.recv(10), b"out")

    @each_dialect()
    def test_mode_2_follows(self, dialect):
        """Mode 2: the target is always the latest sender"""
        peers = [self.wire(udp()) for _ in range(3)]
        with Modem(dialect=dialect) as modem:
            where = self.link(modem, peers[0], 2)
            for sender in peers + peers:
                sender.sendto(b"in", where)
                modem.expect_data(b"in")
                modem.send(b"out")
                self.assertEqual(sender.recv(10), b"out")

    @each_dialect()
    def test_own_target(self, dialect):
        """A datagram may have a target of its own; the link's target stays"""
        first, second = self.wire(udp()), self.wire(udp())
        with Modem(dialect=dialect) as modem:
            where = self.link(modem, first)
            modem.send(b"aside", rest=f',"{HERE}",{port_of(second)}')
            self.assertEqual(second.recvfrom(10), (b"aside", where))
            modem.send(b"again")
            self.assertEqual(first.recvfrom(10), (b"again", where))

    @each_dialect()
    def test_two_senders(self, dialect):
        """Datagrams of two senders come in their order, each a frame, with address when asked"""
        peers = [self.wire(udp()) for _ in range(2)]
        with Modem(dialect=dialect) as modem:
            where = self.link(modem, peers[0])
            modem.at("AT+CIPDINFO=1")
            quote = b"" if modem.nonos else b'"'
            for i in range(10):
                peer, data = peers[i % 2], b"number %d" % i
                peer.sendto(data, where)
                modem.serial.expect(b"\r\n+IPD,8,%s10.0.2.2%s,%d:%s" % (quote, quote, port_of(peer), data))
                modem.serial.expect(b"" if modem.nonos else b"\r\n")

    @each_dialect()
    def test_sizes(self, dialect):
        """Datagrams of 1 to 1472 bytes pass whole in both directions; an empty one prints nothing"""
        peer = self.wire(udp())
        with Modem(dialect=dialect) as modem:
            where = self.link(modem, peer)
            for size in (1, 512, 1460, 1472):
                data = pattern(size, size)
                modem.send(data)
                self.assertEqual(peer.recv(4000), data)
                peer.sendto(b"", where)
                peer.sendto(data, where)
                got = b""
                while len(got) < size:
                    got += modem.next_frame()[1]
                self.assertEqual(got, data)
            modem.serial.quiet()

    @each_dialect()
    def test_no_peer(self, dialect):
        """Nobody at the target: CONNECT and SEND OK all the same, also after the port unreachable came back"""
        with Modem(dialect=dialect) as modem:
            modem.connect("UDP", free_udp_port())
            for _ in range(5):
                modem.send(b"anyone?")
            modem.serial.quiet()

    @each_dialect()
    def test_five_links(self, dialect):
        """Five UDP links with local ports of their own"""
        peers = [self.wire(udp()) for _ in range(5)]
        with Modem(dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            idle = modem.fds()
            ports = [free_udp_port() for _ in range(5)]
            self.assertEqual(len(set(ports)), 5)
            for link in range(5):
                modem.connect("UDP", port_of(peers[link]), link, f",{ports[link]},{link % 3}")
            for link in (3, 1, 4, 0, 2):
                modem.send(b"to %d" % link, link)
                self.assertEqual(peers[link].recvfrom(10), (b"to %d" % link, ("127.0.0.1", ports[link])))
                peers[link].sendto(b"from %d" % link, ("127.0.0.1", ports[link]))
                modem.expect_data(b"from %d" % link, link)
            for link in range(5):
                modem.hang_up(link)
            self.settled(modem, idle)

    @each_dialect()
    def test_local_port_in_use(self, dialect):
        """A local port that another program has: refused, with a line on the log; the modem goes on"""
        other, peer = self.wire(udp()), self.wire(udp())
        with Modem(dialect=dialect) as modem:
            idle = modem.fds()
            since = len(modem.log)
            modem.refused(f'AT+CIPSTART="UDP","{HERE}",{port_of(peer)},{port_of(other)},0', "CONNECT FAIL")
            modem.wait_log("another program uses that port", since)
            self.settled(modem, idle)
            self.link(modem, peer)

    def test_passive_sum(self):
        """esp-at, passive mode: datagrams are summed and read in one piece"""
        peer = self.wire(udp())
        with Modem(dialect=ESP_AT) as modem:
            modem.at("AT+CIPRECVMODE=1")
            where = self.link(modem, peer)
            peer.sendto(b"abc", where)
            modem.serial.expect(b"\r\n+IPD,3\r\n")
            modem.at("AT+CIPRECVDATA=10", b"+CIPRECVDATA:3,abc" + OK)

    def test_source_is_loopback(self):
        """A UDP link to this computer is bound to 127.0.0.1: other addresses of this computer do not reach it"""
        peer = self.wire(udp())
        with Modem() as modem:
            _, local = self.link(modem, peer)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.bind(("127.0.0.2", 0))
                stranger.sendto(b"wrong door", ("127.0.0.2", local))
                peer.sendto(b"right door", ("127.0.0.1", local))
            modem.expect_data(b"right door")


if __name__ == "__main__":
    main()
