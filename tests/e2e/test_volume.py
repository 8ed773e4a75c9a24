"""Volume: a megabyte each way with checksums, five links at once, a serial reader that stops, five browsers."""
import hashlib
import select
import socket
import subprocess

from modem import Case, Modem, Peer, accept, client, each_dialect, listener, main, pattern, port_of

MEGABYTE = 1 << 20
PIECE = 2048           # the largest CIPSEND
CREDIT = 64 * 1024     # bytes that a peer may write to a link whose data nobody reads, and KiB*1024 that memory may grow
PUBLISH = "--publish=127.0.0.1:0:80"


class Exchange:
    """Sends on some links by CIPSEND in turn while frames arrive at any time between the answers."""

    def __init__(self, modem, outgoing, incoming):
        self.modem = modem
        self.outgoing = outgoing              # link: data to send
        self.wanted = incoming                # link: number of bytes that will arrive
        self.got = {link: 0 for link in incoming}
        self.digest = {link: hashlib.sha256() for link in incoming}

    def frames_before(self, answer):
        """Takes frames until `answer` comes."""
        serial = self.modem.serial
        while True:
            if serial.peek(len(answer)) == answer:
                serial.expect(answer)
                return
            self.frame()

    def frame(self):
        link, data = self.modem.next_frame()
        self.digest[link].update(data)
        self.got[link] += len(data)

    def run(self):
        serial, modem = self.modem.serial, self.modem
        size = max(len(data) for data in self.outgoing.values())
        for start in range(0, size, PIECE):
            for link, data in self.outgoing.items():
                piece = data[start:start + PIECE]
                number = "" if link is None else f"{link},"
                serial.send(f"AT+CIPSEND={number}{len(piece)}\r\n".encode())
                self.frames_before(b"\r\nOK\r\n")
                self.frames_before(modem.prompt()[6:])
                serial.send(piece)
                self.frames_before(b"\r\nRecv %d bytes\r\n" % len(piece))
                self.frames_before(b"\r\nSEND OK\r\n")
        while any(self.got[link] < n for link, n in self.wanted.items()):
            self.frame()


class Volume(Case):
    def exchange(self, modem, links, target):
        connections, outgoing = {}, {}
        for i, link in enumerate(links):
            modem.connect("TCP", port_of(target), link)
            connections[link] = self.wire(accept(target))
            outgoing[link] = pattern(MEGABYTE, 2 * i)
        peers = {link: Peer(connections[link], pattern(MEGABYTE, 2 * i + 1)) for i, link in enumerate(links)}
        exchange = Exchange(modem, outgoing, {link: MEGABYTE for link in links})
        exchange.run()
        for link in links:
            modem.hang_up(link)
            peer = peers[link]
            peer.join(20)
            self.assertIsNone(peer.error)
            self.assertEqual((peer.received, exchange.got[link]), (MEGABYTE, MEGABYTE))
            self.assertEqual(peer.digest.digest(), hashlib.sha256(outgoing[link]).digest())
            self.assertEqual(exchange.digest[link].digest(), hashlib.sha256(peer.data).digest())

    @each_dialect()
    def test_megabyte_single(self, dialect):
        """Single mode: 1 MB each way at once, checksums equal"""
        target = self.wire(listener())
        with Modem(dialect=dialect) as modem:
            self.exchange(modem, [None], target)

    @each_dialect()
    def test_megabyte_on_five_links(self, dialect):
        """Multiple mode: 1 MB each way on five links at once, checksums equal"""
        target = self.wire(listener())
        with Modem(dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            self.exchange(modem, [0, 1, 2, 3, 4], target)

    @each_dialect()
    def test_nobody_reads_the_serial_side(self, dialect):
        """The serial reader stops: at most 64 KiB more a link, memory grows by less than 64 KiB; then every byte arrives"""
        target = self.wire(listener())
        with Modem(dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            peers = []
            for link in range(5):
                modem.connect("TCP", port_of(target), link)
                peer = self.wire(accept(target))
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
                peer.setblocking(False)
                peers.append(peer)
            for link, peer in enumerate(peers):  # warm: each link has once carried data
                peer.send(b"warm")
                modem.expect_data(b"warm", link)
            data = [pattern(4 * CREDIT, link) for link in range(5)]
            sent = self.push(peers, data, [0] * 5)
            warm = modem.rss()
            sent = self.push(peers, data, sent)
            self.assertLess(modem.rss() - warm, CREDIT // 1024)
            for n in sent:
                self.assertLessEqual(n, CREDIT)
            got = [b""] * 5
            while any(len(got[link]) < sent[link] for link in range(5)):
                link, piece = modem.next_frame()
                got[link] += piece
            for link in range(5):
                self.assertEqual(got[link], data[link][:sent[link]])
            modem.serial.quiet()

    def push(self, peers, data, sent):
        """Writes until no peer has been able to write for a second. The new counts."""
        sent = list(sent)
        while True:
            _, writable, _ = select.select([], peers, [], 1)
            if not writable:
                return sent
            for peer in writable:
                link = peers.index(peer)
                self.assertLess(sent[link], len(data[link]), "the link takes without end")
                try:
                    sent[link] += peer.send(data[link][sent[link]:])
                except BlockingIOError:
                    pass


class Browsers(Case):
    @each_dialect()
    def test_five_curls_at_once(self, dialect):
        """Five curls at once against a multi-mode server that answers only after all five have connected"""
        with Modem(PUBLISH, dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            modem.at("AT+CIPSERVER=1,80")
            host, port = modem.published(80)
            curls = [subprocess.Popen(["curl", "--silent", "--show-error", "--max-time", "20", f"http://{host}:{port}/{i}"],
                                      stdout=subprocess.PIPE) for i in range(5)]
            connected, requests = 0, {link: b"" for link in range(5)}
            while connected < 5 or any(b"\r\n\r\n" not in request for request in requests.values()):
                if modem.serial.peek(1) == b"\r":  # a frame may come before another client's CONNECT
                    link, data = modem.next_frame()
                    self.assertLess(link, connected)
                    requests[link] += data
                else:
                    modem.serial.expect(b"%d,CONNECT\r\n" % connected)
                    connected += 1
            pages = set()
            for link in (4, 2, 0, 1, 3):
                page = requests[link].split()[1][1:]
                pages.add(page)
                body = b"page %s on link %d\n" % (page, link)
                modem.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body), link)
                modem.serial.expect(b"%d,CLOSED\r\n" % link)
            self.assertEqual(pages, {b"0", b"1", b"2", b"3", b"4"})
            for i, curl in enumerate(curls):
                output, _ = curl.communicate(timeout=20)
                self.assertEqual(curl.returncode, 0)
                self.assertRegex(output, rb"^page %d on link [0-4]\n$" % i)

    def test_hundred_pages(self):
        """Classic single-mode server: a hundred pages one after the other, each client the next"""
        with Modem(PUBLISH) as modem:
            modem.at("AT+CIPSERVER=1,80")
            where = modem.published(80)
            fds = modem.fds()
            for i in range(100):
                peer = client(where)
                modem.serial.expect(b"CONNECT\r\n")
                peer.sendall(b"GET /%d HTTP/1.0\r\n\r\n" % i)
                self.assertEqual(modem.next_frame()[1], b"GET /%d HTTP/1.0\r\n\r\n" % i)
                modem.send(pattern(PIECE, i))
                modem.hang_up()
                got = b""
                while piece := peer.recv(65536):
                    got += piece
                self.assertEqual(got, pattern(PIECE, i))
                peer.close()
            self.settled(modem, fds)


if __name__ == "__main__":
    main()
