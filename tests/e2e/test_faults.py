"""What goes wrong around a modem: each fault gives one clear line on the log, the modem works on, no descriptor is left."""
import re
import signal
import socket
import subprocess
import sys
import threading

from modem import (CLASSIC, ESP_AT, NONOS, PATIENCE, Case, Modem, accept, client, each_dialect, listener, main, pattern,
                   port_of, receive, rejected)

BURST = 250_000
PUBLISH = "--publish=127.0.0.1:0:80"


class SerialSide(Case):
    def test_closed_in_the_middle_of_a_frame(self):
        """The PTY's user closes in the middle of +IPD and opens again: the modem lives, the link too"""
        target = self.wire(listener())
        with Modem() as modem:
            modem.connect("TCP", port_of(target))
            peer = self.wire(accept(target))
            for round in range(20):
                fds = modem.fds()
                peer.sendall(pattern(1000, round))
                modem.serial.until(b"+IPD,")
                modem.serial.take(100)
                modem.serial.close()
                modem.open()
                modem.serial.send(b"AT\r\n")
                modem.serial.until(b"\r\nOK\r\n")  # what was unread is gone or comes first; the answer comes in any case
                modem.serial.quiet()
                self.settled(modem, fds)
            modem.send(b"alive")
            self.assertEqual(receive(peer, 5), b"alive")

    @each_dialect(CLASSIC, ESP_AT)
    def test_closed_behind_a_burst(self, dialect):
        """200 times: the PTY's user writes 250 KB and closes at once; every byte reaches the peer"""
        target = self.wire(listener())
        with Modem(dialect=dialect) as modem:
            modem.connect("TCP", port_of(target))
            peer = self.wire(accept(target))
            modem.passthrough()
            fds = modem.fds()
            data = pattern(BURST)
            for round in range(200):
                peer_got = []
                reader = threading.Thread(target=lambda: peer_got.append(receive(peer, BURST)), daemon=True)
                reader.start()
                modem.serial.send(data)
                modem.serial.close()
                reader.join(PATIENCE)
                self.assertFalse(reader.is_alive(), f"round {round}: not every byte arrived")
                self.assertTrue(peer_got == [data], f"round {round}: other bytes arrived")
                modem.open()
            peer.sendall(b"still raw")
            modem.serial.expect(b"still raw")
            self.assertLessEqual(modem.fds(), fds)

    @each_dialect(CLASSIC, ESP_AT)
    def test_tcp_port_closed_behind_a_burst(self, dialect):
        """The user of the TCP port writes 250 KB and closes at once, 20 times; every byte reaches the peer"""
        target = self.wire(listener())
        with Modem(dialect=dialect, serial="tcp") as modem:
            modem.connect("TCP", port_of(target))
            peer = self.wire(accept(target))
            modem.passthrough()
            data = pattern(BURST)
            for _ in range(20):
                modem.serial.send(data)
                modem.serial.close()
                self.assertTrue(receive(peer, BURST) == data)
                modem.open()

    @each_dialect()
    def test_peer_closes_behind_a_burst(self, dialect):
        """200 times: the peer sends 250 KB and closes at once; every byte arrives, then CLOSED"""
        target = self.wire(listener())
        with Modem(dialect=dialect) as modem:
            fds = modem.fds()
            data = pattern(BURST)
            for _ in range(200):
                modem.connect("TCP", port_of(target))
                peer = accept(target)
                sender = threading.Thread(target=lambda peer=peer: (peer.sendall(data), peer.close()), daemon=True)
                sender.start()
                got = []
                left = BURST
                while left:
                    _, piece = modem.next_frame()
                    got.append(piece)
                    left -= len(piece)
                modem.serial.expect(b"CLOSED\r\n")
                self.assertTrue(b"".join(got) == data)
                sender.join(PATIENCE)
            self.settled(modem, fds)

    def test_second_client_of_the_tcp_port(self):
        """A second client of the serial TCP port is turned away, the first is not disturbed"""
        with Modem(serial="tcp", join=False) as modem:
            for _ in range(3):
                self.assertIn(rejected(("127.0.0.1", modem.port))[0], ("refused", "reset", "closed"))
                modem.serial.quiet()
            modem.serial.close()
            modem.open()
            modem.serial.quiet()


class Ports(Case):
    @each_dialect(CLASSIC, NONOS, ESP_AT)
    def test_published_port_in_use(self, dialect):
        """The port at which a server is published belongs to another program: ERROR, one log line, and later it works"""
        other = listener()
        port = port_of(other)
        with Modem(f"--publish=127.0.0.1:{port}:80", dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            fds = modem.fds()
            since = len(modem.log)
            modem.refused("AT+CIPSERVER=1,80", "TcpServer Failure")
            modem.wait_log(rf":{port}\b.*another program", since)
            self.assertEqual(len([line for line in modem.log[since:] if re.search(rf"\b{port}\b", line)]), 1)
            self.settled(modem, fds)
            other.close()
            modem.at("AT+CIPSERVER=1,80")
            self.wire(client(("127.0.0.1", port)))
            modem.serial.expect(b"0,CONNECT\r\n")

    def test_serial_port_in_use(self):
        """--tcp on a port that another program has: exit status 2 and a line that names it"""
        from modem import PROGRAM
        other = self.wire(listener())
        done = subprocess.run([PROGRAM, f"--tcp=127.0.0.1:{port_of(other)}"], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(str(port_of(other)).encode(), done.stderr)


class Names(Case):
    @each_dialect()
    def test_name_that_does_not_resolve(self, dialect):
        """A name that does not resolve: DNS Fail or ERROR, one log line, the modem goes on"""
        target = self.wire(listener())
        with Modem("--net=local", dialect=dialect) as modem:
            fds = modem.fds()
            since = len(modem.log)
            modem.refused('AT+CIPSTART="TCP","no-such-name.invalid",80', "DNS Fail")
            modem.wait_log("no-such-name.invalid", since)
            self.assertEqual(len([line for line in modem.log[since:] if "no-such-name.invalid" in line]), 1)
            modem.connect("TCP", port_of(target))
            accept(target).close()
            modem.serial.expect(b"CLOSED\r\n")
            self.settled(modem, fds)


class Peers(Case):
    @each_dialect()
    def test_thousand_connects_against_a_full_table(self, dialect):
        """A thousand clients as fast as they come against a full table: all rejected, five links untouched, nothing grows"""
        with Modem(PUBLISH, dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            modem.at("AT+CIPSERVER=1,80")
            where = modem.published(80)
            peers = []
            for link in range(5):
                peers.append(self.wire(client(where)))
                modem.serial.expect(b"%d,CONNECT\r\n" % link)
            for _ in range(100):
                rejected(where)
            fds, memory = modem.fds(), modem.rss()
            slowest = 0
            for _ in range(1000):
                how, seconds = rejected(where)
                self.assertIn(how, ("refused", "reset"))
                slowest = max(slowest, seconds)
            self.assertLess(slowest, 1)
            self.assertLessEqual(modem.rss() - memory, 64)
            for link, peer in enumerate(peers):
                peer.sendall(b"ping")
                modem.expect_data(b"ping", link)
            self.settled(modem, fds)
            peers[2].close()
            modem.serial.expect(b"2,CLOSED\r\n")
            self.wire(client(where))
            modem.serial.expect(b"2,CONNECT\r\n")

    @each_dialect()
    def test_peer_killed(self, dialect):
        """The peer is killed with -9, as server and as client: CLOSED, a log line each, the modem goes on"""
        with Modem(PUBLISH, dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            fds = modem.fds()
            for _ in range(5):
                server = self.program("import socket; s = socket.create_server(('127.0.0.1', 0));"
                                      "print(s.getsockname()[1], flush=True); c, _ = s.accept(); c.recv(1); c.recv(1)")
                modem.connect("TCP", int(server.stdout.readline()), 0)
                modem.send(b"x", 0)
                since = len(modem.log)
                server.send_signal(signal.SIGKILL)
                server.wait(PATIENCE)
                modem.serial.expect(b"0,CLOSED\r\n")
                modem.wait_log("closed: link 0", since)
            modem.at("AT+CIPSERVER=1,80")
            host, port = modem.published(80)
            for _ in range(5):
                visitor = self.program(f"import socket; s = socket.create_connection(('{host}', {port}));"
                                       "s.sendall(b'hi'); s.recv(1); s.recv(1)")
                modem.serial.expect(b"0,CONNECT\r\n")
                modem.expect_data(b"hi", 0)
                modem.send(b"x", 0)
                since = len(modem.log)
                visitor.send_signal(signal.SIGKILL)
                visitor.wait(PATIENCE)
                modem.serial.until(b"\r\n")  # CLOSED, or CONNECT FAIL where the kernel answered by RST
                modem.wait_log("closed: link 0", since)
            modem.at("AT+CIPSERVER=0")
            self.all_left(modem, fds)

    @each_dialect()
    def test_reset_by_the_client(self, dialect):
        """Clients that reset, some before they are accepted: each CONNECT has its end, no descriptor is left"""
        with Modem(PUBLISH, dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            modem.at("AT+CIPSERVER=1,80")
            where = modem.published(80)
            fds = modem.fds()
            for _ in range(300):
                try:
                    peer = client(where)
                except ConnectionError:  # the table was full at this moment
                    continue
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                peer.close()
            modem.serial.send(b"AT+CIPSERVER=0\r\n")
            printed = modem.serial.until(b"OK\r\n")
            deadline_peer = self.wire(listener())
            open_links = set()
            while True:
                for link, what in re.findall(rb"(\d),(CONNECT FAIL|CONNECT|CLOSED)\r\n", printed):
                    if what == b"CONNECT":
                        self.assertNotIn(link, open_links)
                        open_links.add(link)
                    else:
                        self.assertIn(link, open_links)
                        open_links.discard(link)
                if not open_links:
                    break
                printed = modem.serial.until(b"\r\n")
            modem.serial.quiet()
            modem.connect("TCP", port_of(deadline_peer), 0)
            modem.hang_up(0)
            self.all_left(modem, fds)

    def program(self, source):
        """Another process: Python with this source."""
        child = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child


class Life(Case):
    def test_hundred_links(self):
        """A hundred links after one another leave no descriptor and no memory behind"""
        target = self.wire(listener())
        with Modem() as modem:
            def round():
                modem.connect("TCP", port_of(target))
                peer = accept(target)
                modem.send(b"x")
                modem.hang_up()
                peer.close()
            for _ in range(20):
                round()
            fds, memory = modem.fds(), modem.rss()
            for _ in range(100):
                round()
            self.settled(modem, fds)
            self.assertLessEqual(modem.rss() - memory, 64)

    def test_restart(self):
        """AT+RST with links and a server: all sockets end, `ready` comes, everything opens again"""
        target = self.wire(listener())
        with Modem(PUBLISH) as modem:
            fds = modem.fds()
            for _ in range(5):
                since = len(modem.log)
                modem.at("AT+CIPMUX=1")
                modem.at("AT+CIPSERVER=1,80")
                modem.connect("TCP", port_of(target), 3)
                peer = self.wire(accept(target))
                visitor = self.wire(client(modem.published(80, since)))
                modem.serial.expect(b"0,CONNECT\r\n")
                modem.serial.send(b"AT+RST\r\n")
                modem.serial.until(b"\r\nready\r\n")
                for end in (peer, visitor):
                    try:
                        self.assertEqual(end.recv(1), b"")
                    except ConnectionResetError:
                        pass
                    end.close()
                modem.serial.send(b"ATE0\r\n")
                modem.serial.until(b"OK\r\n")
                modem.serial.send(b'AT+CWJAP="lab","password"\r\n')
                modem.serial.until(b"GOT IP\r\n\r\nOK\r\n")
                self.settled(modem, fds)


if __name__ == "__main__":
    main()
