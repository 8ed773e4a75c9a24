"""The five rules: one connection in single mode, five in multiple mode, servers in either, mode changes only while idle."""
from modem import (CLASSIC, ERROR, ESP_AT, HERE, NONOS, OK, Case, Modem, accept, client, each_dialect, free_udp_port,
                   listener, main, port_of, receive, rejected, udp)

LIMIT = 0.1  # seconds within which a surplus client of a single-mode server is turned away
PUBLISH = "--publish=127.0.0.1:0:80"


class SingleMode(Case):
    @each_dialect()
    def test_one_tcp_connection(self, dialect):
        """Single mode is the default: one TCP connection, a second is refused, then again to the same and another address"""
        first, second = self.wire(listener()), self.wire(listener())
        with Modem(dialect=dialect) as modem:
            modem.at("AT+CIPMUX?", b"+CIPMUX:0\r\n" + OK)
            idle = modem.fds()
            for target in (first, first, second):
                modem.connect("TCP", port_of(target))
                peer = self.wire(accept(target))
                modem.refused(f'AT+CIPSTART="TCP","{HERE}",{port_of(second)}', "ALREADY CONNECTED")
                modem.refused(f'AT+CIPSTART="UDP","{HERE}",{port_of(second)}', "ALREADY CONNECTED")
                modem.send(b"hello")
                self.assertEqual(receive(peer, 5), b"hello")
                peer.sendall(b"answer")
                modem.expect_data(b"answer")
                modem.hang_up()
                self.assertEqual(peer.recv(1), b"")
                peer.close()
            modem.refused("AT+CIPCLOSE")
            self.all_left(modem, idle)

    @each_dialect()
    def test_one_udp_link(self, dialect):
        """Single mode: one UDP link, a second link of any kind is refused, then again to the same and another address"""
        first, second = self.wire(udp()), self.wire(udp())
        with Modem(dialect=dialect) as modem:
            idle = modem.fds()
            for target in (first, first, second):
                modem.connect("UDP", port_of(target))
                modem.refused(f'AT+CIPSTART="UDP","{HERE}",{port_of(second)}', "ALREADY CONNECTED")
                modem.refused(f'AT+CIPSTART="TCP","{HERE}",{port_of(second)}', "ALREADY CONNECTED")
                modem.send(b"hello")
                data, address = target.recvfrom(100)
                self.assertEqual(data, b"hello")
                target.sendto(b"answer", address)
                modem.expect_data(b"answer")
                modem.hang_up()
            self.all_left(modem, idle)

    @each_dialect()
    def test_peer_ends_the_connection(self, dialect):
        """Single mode: after the peer has closed, the next connection opens at once"""
        target = self.wire(listener())
        with Modem(dialect=dialect) as modem:
            for _ in range(3):
                modem.connect("TCP", port_of(target))
                accept(target).close()
                modem.serial.expect(b"CLOSED\r\n")

    @each_dialect()
    def test_refused_by_the_peer(self, dialect):
        """A port where nobody listens: ERROR, and the modem goes on"""
        target = listener()
        port = port_of(target)
        target.close()
        with Modem(dialect=dialect) as modem:
            idle = modem.fds()
            failure = ERROR + (b"CLOSED\r\n" if modem.nonos else b"")
            for _ in range(3):
                modem.at(f'AT+CIPSTART="TCP","{HERE}",{port}', failure)
            modem.serial.quiet()
            self.all_left(modem, idle)


class MultipleMode(Case):
    @each_dialect()
    def test_five_links_of_any_mix(self, dialect):
        """Multiple mode: five links, TCP and UDP mixed; a sixth is refused and opens as soon as one has ended"""
        server, datagrams = self.wire(listener()), self.wire(udp())
        with Modem(dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            idle = modem.fds()
            kinds = ("TCP", "UDP", "TCP", "UDP", "TCP")
            peers = {}
            for link, kind in enumerate(kinds):
                modem.connect(kind, port_of(server if kind == "TCP" else datagrams), link)
                if kind == "TCP":
                    peers[link] = self.wire(accept(server))
            for link in range(5):
                modem.refused(f'AT+CIPSTART={link},"TCP","{HERE}",{port_of(server)}', "ALREADY CONNECTED")
            modem.refused(f'AT+CIPSTART=5,"TCP","{HERE}",{port_of(server)}', "ID ERROR")
            for link, kind in enumerate(kinds):
                text = f"from link {link}".encode()
                modem.send(text, link)
                if kind == "TCP":
                    self.assertEqual(receive(peers[link], len(text)), text)
                    peers[link].sendall(text[::-1])
                else:
                    data, address = datagrams.recvfrom(100)
                    self.assertEqual(data, text)
                    datagrams.sendto(text[::-1], address)
                modem.expect_data(text[::-1], link)
            # ended by us, by the peer, and a UDP link: each slot is free at once
            modem.hang_up(2)
            modem.connect("UDP", port_of(datagrams), 2)
            peers[4].close()
            modem.serial.expect(b"4,CLOSED\r\n")
            modem.connect("TCP", port_of(server), 4)
            self.wire(accept(server))
            modem.hang_up(1)
            modem.connect("TCP", port_of(server), 1)
            self.wire(accept(server))
            modem.at("AT+CIPCLOSE=5", b"".join(f"{link},CLOSED\r\n".encode() for link in range(5)) + OK)
            self.all_left(modem, idle)

    @each_dialect()
    def test_server(self, dialect):
        """Multiple mode server: lowest free id, the sixth client is rejected, outgoing links share the table"""
        target = self.wire(listener())
        with Modem(PUBLISH, dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            idle = modem.fds()
            modem.at("AT+CIPSERVER=1,80")
            where = modem.published(80)
            clients = []
            for link in range(5):
                clients.append(self.wire(client(where)))
                modem.serial.expect(f"{link},CONNECT\r\n".encode())
            self.assert_rejected(where, ("refused", "reset"))
            for link, peer in enumerate(clients):
                peer.sendall(b"to %d" % link)
                modem.expect_data(b"to %d" % link, link)
                modem.send(b"from %d" % link, link)
                self.assertEqual(receive(peer, 6), b"from %d" % link)
            # the lowest free id, whichever ended last
            clients[3].close()
            modem.serial.expect(b"3,CLOSED\r\n")
            modem.hang_up(1)
            self.assertEqual(clients[1].recv(1), b"")
            clients[1] = self.wire(client(where))
            modem.serial.expect(b"1,CONNECT\r\n")
            # an outgoing link takes the last slot
            modem.connect("TCP", port_of(target), 3)
            outgoing = self.wire(accept(target))
            self.assert_rejected(where, ("refused", "reset"))
            outgoing.close()
            modem.serial.expect(b"3,CLOSED\r\n")
            clients[3] = self.wire(client(where))
            modem.serial.expect(b"3,CONNECT\r\n")
            modem.refused(f'AT+CIPSTART=3,"TCP","{HERE}",{port_of(target)}', "ALREADY CONNECTED")
            modem.serial.quiet()
            for link, peer in enumerate(clients):
                peer.close()
                modem.serial.expect(f"{link},CLOSED\r\n".encode())
            modem.at("AT+CIPSERVER=0")
            self.assertEqual(rejected(where)[0], "refused")
            self.all_left(modem, idle)

    @each_dialect()
    def test_udp_link_counts_in_the_table(self, dialect):
        """Multiple mode server: a UDP link holds a slot; the client for which there is none is turned away"""
        with Modem(PUBLISH, dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            modem.at("AT+CIPSERVER=1,80")
            where = modem.published(80)
            modem.connect("UDP", free_udp_port(), 0)
            for link in range(1, 5):
                self.wire(client(where))
                modem.serial.expect(f"{link},CONNECT\r\n".encode())
            self.assert_rejected(where, ("refused", "reset", "closed"))
            modem.hang_up(0)
            self.wire(client(where))
            modem.serial.expect(b"0,CONNECT\r\n")

    @each_dialect(NONOS, ESP_AT)
    def test_server_needs_multiple_mode(self, dialect):
        """A server in single mode is refused by exact dialects, and the log says why"""
        with Modem(PUBLISH, dialect=dialect) as modem:
            modem.refused("AT+CIPSERVER=1,80")
            modem.wait_log("server-needs-mux")

    def assert_rejected(self, where, ways):
        how, _ = rejected(where)
        self.assertIn(how, ways)


class ClassicServer(Case):
    def test_one_client_at_a_time(self):
        """Classic single-mode server: while one client is served, each of ten others is rejected within 100 ms"""
        with Modem(PUBLISH) as modem:
            idle = modem.fds()
            modem.at("AT+CIPSERVER=1,80")
            where = modem.published(80)
            for _ in range(3):
                served = self.wire(client(where))
                modem.serial.expect(b"CONNECT\r\n")
                for _ in range(10):
                    how, seconds = rejected(where)
                    self.assertIn(how, ("refused", "reset"))
                    self.assertLess(seconds, LIMIT)
                served.sendall(b"still here?")
                modem.expect_data(b"still here?")
                modem.send(b"yes")
                self.assertEqual(receive(served, 3), b"yes")
                served.close()
                modem.serial.expect(b"CLOSED\r\n")  # from here the next one is served
            served = self.wire(client(where))
            modem.serial.expect(b"CONNECT\r\n")
            modem.hang_up()
            self.assertEqual(served.recv(1), b"")
            self.wire(client(where))
            modem.serial.expect(b"CONNECT\r\n")
            modem.hang_up()
            modem.at("AT+CIPSERVER=0")
            self.all_left(modem, idle)

    def test_outgoing_connection_blocks_clients(self):
        """Classic single-mode server: an outgoing connection takes the one link; a client that is served blocks CIPSTART"""
        target = self.wire(listener())
        with Modem(PUBLISH) as modem:
            modem.at("AT+CIPSERVER=1,80")
            where = modem.published(80)
            modem.connect("TCP", port_of(target))
            self.wire(accept(target))
            how, seconds = rejected(where)
            self.assertIn(how, ("refused", "reset"))
            self.assertLess(seconds, LIMIT)
            modem.hang_up()
            self.wire(client(where))
            modem.serial.expect(b"CONNECT\r\n")
            modem.refused(f'AT+CIPSTART="TCP","{HERE}",{port_of(target)}', "ALREADY CONNECTED")


class ModeChange(Case):
    @each_dialect()
    def test_only_with_no_link_open(self, dialect):
        """CIPMUX changes only while no link is open, in both directions"""
        target = self.wire(listener())
        with Modem(dialect=dialect) as modem:
            modem.connect("TCP", port_of(target))
            self.wire(accept(target))
            modem.refused("AT+CIPMUX=1", "link is builded")
            modem.at("AT+CIPMUX?", b"+CIPMUX:0\r\n" + OK)
            modem.hang_up()
            modem.at("AT+CIPMUX=1")
            modem.connect("UDP", port_of(target), 4)
            modem.refused("AT+CIPMUX=0", "link is builded")
            modem.hang_up(4)
            modem.at("AT+CIPMUX=0")

    @each_dialect()
    def test_not_while_the_server_runs(self, dialect):
        """CIPMUX=0 is refused while the server runs; with a client too"""
        with Modem(PUBLISH, dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            modem.at("AT+CIPSERVER=1,80")
            modem.refused("AT+CIPMUX=0", "CIPSERVER must be 0")
            peer = self.wire(client(modem.published(80)))
            modem.serial.expect(b"0,CONNECT\r\n")
            modem.refused("AT+CIPMUX=0", "link is builded")
            peer.close()
            modem.serial.expect(b"0,CLOSED\r\n")
            modem.at("AT+CIPSERVER=0")
            modem.at("AT+CIPMUX=0")

    def test_classic_single_server(self):
        """Classic: CIPMUX=1 is refused while a single-mode server runs"""
        with Modem(PUBLISH, dialect=CLASSIC) as modem:
            modem.at("AT+CIPSERVER=1,80")
            modem.refused("AT+CIPMUX=1", "CIPSERVER must be 0")
            modem.at("AT+CIPSERVER=0")
            modem.at("AT+CIPMUX=1")


if __name__ == "__main__":
    main()
