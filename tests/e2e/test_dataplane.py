"""The data plane over real sockets: ten megabytes each way, passive receive, readers and peers that stop.

The stopped readers stand for CIPMUX_STALL_SECONDS (default 5). From 60 on the stopped peer, too, is given up after the
time that the dialect has, and not after a short one.
"""
import hashlib
import os
import pathlib
import random
import re
import select
import socket
import time

from modem import ESP_AT, NONOS, OK, PATIENCE, Case, Modem, Peer, accept, each_dialect, listener, main, port_of, receive

MEGABYTE = 1 << 20
VOLUME = 10 * MEGABYTE
PIECE = 2048                                  # the largest CIPSEND
WINDOW = {NONOS: 2920, ESP_AT: 5760}          # what a link holds [tcpip 4.10]
LARGEST_READ = {NONOS: 2048, ESP_AT: 5760}    # nonos' limit; esp-at has none, so all that a link can hold
CREDIT = 64 * 1024                            # bytes that may be under way to somebody who does not read
GROWTH = 64                                   # KiB that memory may grow meanwhile
STALL = float(os.environ.get("CIPMUX_STALL_SECONDS", "5"))
REAL_LIMIT = 30.0                             # seconds until SEND FAIL, both dialects [cipmux.h, SEND_LIMIT]


def noise(n, seed):
    """n bytes without any order, the same each time."""
    return random.Random(seed).randbytes(n)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Reader:
    """A host that reads in passive mode. It knows what the notices say and nothing else."""

    def __init__(self, modem, links, size):
        self.modem = modem
        self.size = size                               # bytes that it asks for at once
        self.held = {link: 0 for link in links}        # the last notice's number, less what was read since
        self.noticed = {link: False for link in links} # esp-at: no second notice before a read
        self.digest = {link: hashlib.sha256() for link in links}
        self.got = {link: 0 for link in links}
        self.closed = {}                               # link: what it had given when its CLOSED came

    def event(self):
        """The next thing printed is a notice, or the end of a link."""
        serial, modem = self.modem.serial, self.modem
        if serial.peek(1) != b"\r":
            link = re.fullmatch(rb"(?:(\d),)?CLOSED\r\n", serial.until(b"\r\n"))[1]
            link = link if link is None else int(link)
            assert link not in self.closed
            self.closed[link] = self.got[link]
            return
        serial.expect(b"\r\n+IPD,")
        fields = serial.until(b"\r\n")[:-2].split(b",")
        link, n = (int(fields[0]) if len(fields) == 2 else None), int(fields[-1])
        assert 0 < n <= WINDOW[modem.dialect], f"a notice of {n} bytes"
        assert n >= self.held[link], f"{n} bytes announced, {self.held[link]} were there"
        assert modem.nonos or not self.noticed[link], "a second notice before a read"
        self.held[link] = n
        self.noticed[link] = True

    def events_before(self, answer):
        """Takes events until `answer` comes."""
        while self.modem.serial.peek(len(answer)) != answer:
            self.event()
        self.modem.serial.expect(answer)

    def read(self, link):
        """One AT+CIPRECVDATA: as many bytes as were asked for, or all that were announced and maybe some more."""
        serial, modem = self.modem.serial, self.modem
        serial.send(f"AT+CIPRECVDATA={'' if link is None else f'{link},'}{self.size}\r\n".encode())
        self.events_before(b"\r\n+CIPRECVDATA," if modem.nonos else b"+CIPRECVDATA:")
        n = int(serial.until(b":" if modem.nonos else b",")[:-1])
        assert min(self.size, self.held[link]) <= n <= self.size, f"{n} bytes of {self.held[link]}, {self.size} wanted"
        data = serial.take(n)
        serial.expect(b"\r\nOK\r\n")
        self.digest[link].update(data)
        self.got[link] += n
        self.held[link] = max(0, self.held[link] - n)
        self.noticed[link] = False
        return data

    def send(self, data, link=None):
        """One AT+CIPSEND while notices arrive."""
        serial, prompt = self.modem.serial, self.modem.prompt()
        serial.send(f"AT+CIPSEND={'' if link is None else f'{link},'}{len(data)}\r\n".encode())
        self.events_before(prompt[:6])
        self.events_before(prompt[6:])
        serial.send(data)
        self.events_before(b"\r\nRecv %d bytes\r\n" % len(data))
        self.events_before(b"\r\nSEND OK\r\n")


class Passthrough:
    """A host in transparent transmission that writes and reads at once."""

    def __init__(self, modem):
        self.serial = modem.serial
        self.modem = modem

    def exchange(self, data, wanted):
        """Writes all of data, and reads as many bytes as wanted. Their digest."""
        digest, left, data = hashlib.sha256(), wanted, memoryview(data)
        early = self.serial.take(len(self.serial.waiting))
        digest.update(early)
        left -= len(early)
        while data or left > 0:
            fd = [self.serial.fd]
            readable, writable, _ = select.select(fd, fd if data else [], [], PATIENCE)
            assert readable or writable, f"nothing moves: {len(data)} bytes to write, {left} to read"
            if readable:
                piece = os.read(self.serial.fd, 262144)
                assert piece, "the modem closed its serial side"
                digest.update(piece)
                left -= len(piece)
            if writable:
                data = data[os.write(self.serial.fd, data[:65536]):]
        assert left == 0, f"{-left} bytes too many"
        return digest.hexdigest()

    def leave(self):
        """Leaves when everything written is with the peer: that was 20 ms after the last byte, so +++ stands alone."""
        self.serial.send(b"+++")
        self.serial.expect(b"+QUITT\r\n" if self.modem.nonos else b"\r\n+QUITT\r\n")
        self.modem.at("AT+CIPMODE=0")


class Volume(Case):
    @each_dialect(NONOS, ESP_AT)
    def test_passthrough(self, dialect):
        """Passthrough: 10 MB each way at once, checksums equal; then +++ leaves"""
        up, down = noise(VOLUME + 1, 1), noise(VOLUME, 2)  # the last packet is not full: 20 ms of silence send it
        target = self.wire(listener())
        for serial in ("unix", "tcp"):
            with Modem(dialect=dialect, serial=serial) as modem:
                modem.at("AT+SYSMSG_CUR=1" if modem.nonos else "AT+SYSMSG=1")
                modem.connect("TCP", port_of(target))
                connection = self.wire(accept(target))
                modem.passthrough()
                host, peer = Passthrough(modem), Peer(connection, down)
                self.assertEqual(host.exchange(up, VOLUME), sha256(down))
                peer.wait(len(up))
                host.leave()
                modem.hang_up()
                self.ended(peer, up)

    @each_dialect(NONOS, ESP_AT)
    def test_passive(self, dialect):
        """Passive receive: 10 MB each way at once by CIPSEND of 2048 and the largest CIPRECVDATA, checksums equal"""
        up, down = noise(VOLUME, 3), noise(VOLUME, 4)
        target = self.wire(listener())
        with Modem(dialect=dialect, serial="unix") as modem:
            modem.at("AT+CIPRECVMODE=1")
            modem.connect("TCP", port_of(target))
            peer = Peer(self.wire(accept(target)), down)
            reader = Reader(modem, [None], LARGEST_READ[dialect])
            for start in range(0, VOLUME, PIECE):
                reader.send(up[start:start + PIECE])
                if reader.held[None]:
                    reader.read(None)
            while reader.got[None] < VOLUME:
                if reader.held[None]:
                    reader.read(None)
                else:
                    reader.event()
            self.assertEqual(reader.digest[None].hexdigest(), sha256(down))
            modem.refused("AT+CIPRECVDATA=1")
            modem.hang_up()
            self.ended(peer, up)

    @each_dialect(NONOS, ESP_AT)
    def test_five_links_in_small_reads(self, dialect):
        """Passive receive on five links at once, 128 bytes at a time in turn: 1.25 MB, each link its own checksum"""
        links, size = range(5), MEGABYTE // 4
        target = self.wire(listener())
        with Modem(dialect=dialect, serial="unix") as modem:
            modem.at("AT+CIPMUX=1")
            modem.at("AT+CIPRECVMODE=1")
            connections = []
            for link in links:
                modem.connect("TCP", port_of(target), link)
                connections.append(self.wire(accept(target)))
            peers = [Peer(connections[link], noise(size, 10 + link)) for link in links]
            reader = Reader(modem, links, 128)
            while any(reader.got[link] < size for link in links):
                ready = [link for link in links if reader.held[link]]
                for link in ready:
                    reader.read(link)
                if not ready:
                    reader.event()
            for link in links:
                self.assertEqual(reader.got[link], size)
                self.assertEqual(reader.digest[link].hexdigest(), sha256(peers[link].data))
                modem.refused(f"AT+CIPRECVDATA={link},1")
                modem.hang_up(link)
                self.ended(peers[link], b"")

    def ended(self, peer, data):
        """The peer saw the end of the stream, and in front of it exactly this."""
        peer.join(PATIENCE)
        self.assertFalse(peer.is_alive())
        self.assertIsNone(peer.error)
        self.assertEqual((peer.received, peer.digest.hexdigest()), (len(data), sha256(data)))


class Ends(Case):
    """The peer closes while data is unread in passive mode [tcpip 4.5]: nonos prints CLOSED at once and keeps the data
    until the id is used again, esp-at withholds CLOSED until the last byte was read or AT+CIPCLOSE."""

    SMALL = 636  # as in the recorded session [tcpip 4.5]

    def passive(self, dialect, target):
        """A modem in multiple and passive mode with link 0, and the peer's end."""
        modem = Modem(dialect=dialect, serial="unix")
        self.addCleanup(modem.close)
        modem.at("AT+CIPMUX=1")
        modem.at("AT+CIPRECVMODE=1")
        modem.connect("TCP", port_of(target), 0)
        return modem, self.wire(accept(target))

    def closed_with(self, dialect, target, data):
        """The peer has sent this, which is announced, and has closed, which the modem knows."""
        modem, peer = self.passive(dialect, target)
        peer.sendall(data)
        modem.serial.expect(b"\r\n+IPD,0,%d\r\n" % len(data))
        peer.close()
        if modem.nonos:
            modem.serial.expect(b"0,CLOSED\r\n")
        else:
            self.unlisted(modem)
        return modem

    def unlisted(self, modem):
        """Nothing is printed, but the list of links shows that link 0 has ended."""
        deadline = time.monotonic() + PATIENCE
        while True:
            modem.serial.send(b"AT+CIPSTATE?\r\n")
            listed = modem.serial.until(OK)
            if listed == OK:
                return
            self.assertRegex(listed, rb'^\+CIPSTATE:0,"TCP"')
            self.assertLess(time.monotonic(), deadline, "the modem does not see the peer's end")

    def lengths(self, modem, held):
        """AT+CIPRECVLEN? shows so much on link 0 and nothing else."""
        rest = b",0,0,0,0" if modem.nonos else b",-1,-1,-1,-1"
        modem.at("AT+CIPRECVLEN?", b"+CIPRECVLEN:%d%s\r\n" % (held, rest) + OK)

    @each_dialect(NONOS, ESP_AT)
    def test_small(self, dialect):
        """The peer closes with 636 bytes unread: all of them are read, in small reads; CLOSED stands at its place"""
        data = noise(self.SMALL, 20)
        modem = self.closed_with(dialect, self.wire(listener()), data)
        reader = Reader(modem, [0], 128)
        reader.held[0] = self.SMALL
        self.lengths(modem, self.SMALL)
        while reader.got[0] < self.SMALL:
            self.assertEqual(reader.closed, {})
            reader.read(0)
        self.assertEqual(reader.digest[0].hexdigest(), sha256(data))
        if not modem.nonos:
            modem.serial.expect(b"0,CLOSED\r\n")
        modem.refused("AT+CIPRECVDATA=0,1")
        modem.serial.quiet()

    @each_dialect(NONOS, ESP_AT)
    def test_large(self, dialect):
        """The peer closes behind seven windows of data: every byte is read, CLOSED stands at its place"""
        data = noise(7 * WINDOW[dialect], 21)
        modem, peer = self.passive(dialect, self.wire(listener()))
        peer.sendall(data)  # as much as this fits into the kernel on the peer's side
        peer.close()
        reader = Reader(modem, [0], 128)
        while reader.got[0] < len(data):
            if reader.held[0]:
                reader.read(0)
            else:
                reader.event()
        self.assertEqual(reader.digest[0].hexdigest(), sha256(data))
        if modem.nonos:
            left = len(data) - reader.closed[0]
            self.assertTrue(0 < left <= WINDOW[NONOS], f"CLOSED with {left} bytes left")
        else:
            self.assertEqual(reader.closed, {})
            modem.serial.expect(b"0,CLOSED\r\n")
        modem.refused("AT+CIPRECVDATA=0,1")

    @each_dialect(NONOS, ESP_AT)
    def test_given_up(self, dialect):
        """What the firmware gives up: nonos what was unread when the id is used again, esp-at what AT+CIPCLOSE finds"""
        target, data = self.wire(listener()), noise(self.SMALL, 22)
        modem = self.closed_with(dialect, target, data)
        modem.at("AT+CIPRECVDATA=0,1", b"\r\n+CIPRECVDATA,1:" + data[:1] + OK if modem.nonos else
                 b"+CIPRECVDATA:1," + data[:1] + OK)
        if not modem.nonos:
            modem.serial.expect(b"\r\n+IPD,0,%d\r\n" % (self.SMALL - 1))
            modem.hang_up(0)
            modem.refused("AT+CIPRECVDATA=0,1")
            self.lengths(modem, -1)
        modem.connect("TCP", port_of(target), 0)
        peer = self.wire(accept(target))
        self.lengths(modem, 0)
        modem.refused("AT+CIPRECVDATA=0,1")
        peer.sendall(b"new")
        modem.serial.expect(b"\r\n+IPD,0,3\r\n")
        modem.at("AT+CIPRECVDATA=0,128", b"\r\n+CIPRECVDATA,3:new" + OK if modem.nonos else b"+CIPRECVDATA:3,new" + OK)


class Stream:
    """A modem with one link in one mode, and bytes on their way through it to somebody who will stop reading.

    `active`, `passive` and `passthrough` go from the peer to the host, `upward` in passthrough from host to peer."""

    MODES = ("active", "passive", "passthrough", "upward")
    WARM = MEGABYTE // 4  # bytes that pass before anything is measured

    def __init__(self, case, dialect, mode, seed):
        self.name = f"{mode} {dialect}"
        self.case, self.mode = case, mode
        self.modem = modem = Modem(dialect=dialect, serial="unix")
        case.addCleanup(modem.close)
        target = case.wire(listener())
        target.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4608)  # its connections inherit that
        if mode == "passive":
            modem.at("AT+CIPRECVMODE=1")
        modem.connect("TCP", port_of(target))
        self.peer = case.wire(accept(target))
        if mode in ("passthrough", "upward"):
            modem.passthrough()
        self.reader = Reader(modem, [None], PIECE)
        self.data = noise(2 * MEGABYTE, seed)
        self.digest = hashlib.sha256()
        self.received = 0
        self.sent = 0
        self.source = case.wire(socket.socket(fileno=os.dup(modem.serial.fd))) if mode == "upward" else self.peer
        self.source.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)

    def fileno(self):
        return self.source.fileno()

    def write(self):
        """As much as the source takes."""
        assert self.sent < len(self.data), f"{self.name}: it takes without end"
        self.sent += self.source.send(memoryview(self.data)[self.sent:self.sent + 65536], socket.MSG_DONTWAIT)

    def read(self):
        """The next piece of what arrives."""
        if self.mode == "active":
            piece = self.modem.next_frame()[1]
        elif self.mode == "passive":
            while not self.reader.held[None]:
                self.reader.event()
            piece = self.reader.read(None)
        elif self.mode == "passthrough":
            self.modem.serial.peek(1)
            piece = self.modem.serial.take(len(self.modem.serial.waiting))
        else:
            piece = self.peer.recv(65536)
        assert piece, f"{self.name}: it ended"
        self.digest.update(piece)
        self.received += len(piece)

    def move(self, end):
        """Sends and receives up to this byte."""
        while self.received < end:
            if self.sent < end and select.select([], [self], [], 0)[1]:
                self.write()
            elif self.sent > self.received:
                self.read()

    def check(self):
        """Everything arrived, and nothing behind it."""
        self.case.assertEqual((self.received, self.digest.hexdigest()), (len(self.data), sha256(self.data)), self.name)
        self.case.assertEqual(self.modem.serial.waiting, b"", self.name)


class Stopped(Case):
    def test_reader(self):
        """Nobody reads, in each mode and dialect at once: the sender stops, memory stays, then every byte arrives"""
        streams = [Stream(self, dialect, mode, seed) for seed, (dialect, mode) in
                   enumerate((dialect, mode) for dialect in (NONOS, ESP_AT) for mode in Stream.MODES)]
        for stream in streams:
            stream.move(Stream.WARM)
        before = [(stream.modem.rss(), cpu_seconds(stream.modem.pid)) for stream in streams]
        most, last = self.press(streams)
        for stream, (memory, cpu), top, end in zip(streams, before, most, last):
            accepted, cpu = stream.sent - Stream.WARM, cpu_seconds(stream.modem.pid) - cpu
            print(f"# {stream.name}, {STALL:g} s: {accepted} bytes accepted, the last after {end:.2f} s; "
                  f"RSS {memory} KiB and {top - memory:+d}; CPU {cpu:.2f} s", flush=True)
            self.assertLess(end, STALL / 2, f"{stream.name}: the sender was not stopped")
            self.assertLessEqual(accepted, CREDIT, stream.name)
            self.assertLessEqual(top - memory, GROWTH, stream.name)
            self.assertLess(cpu, 0.1 + STALL / 20, f"{stream.name}: it does not sleep")
        for stream, (memory, _) in zip(streams, before):
            stream.move(len(stream.data))
            stream.check()
            self.assertLessEqual(stream.modem.rss() - memory, GROWTH, stream.name)

    def press(self, streams):
        """Sends as fast as it can for STALL seconds. For each: most memory (KiB), and when a byte was last accepted."""
        start = time.monotonic()
        most, last = [stream.modem.rss() for stream in streams], [0.0] * len(streams)
        while (now := time.monotonic() - start) < STALL:
            writable = select.select([], streams, [], min(0.5, STALL - now))[1]
            for stream in writable:
                stream.write()
                last[streams.index(stream)] = time.monotonic() - start
            if not writable:
                most = [max(top, stream.modem.rss()) for top, stream in zip(most, streams)]
        return most, last

    @each_dialect(NONOS, ESP_AT)
    def test_peer(self, dialect):
        """The peer stops: when its window is full SEND FAIL comes in time, and the other links go on meanwhile"""
        real = STALL >= 60
        limit = REAL_LIMIT if real else 1.0
        modem = Modem(*([] if real else ["--timing=send_limit=1000"]), dialect=dialect, serial="unix")
        self.addCleanup(modem.close)
        modem.at("AT+CIPMUX=1")
        target = self.wire(listener())
        target.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4608)
        peers = []
        for link in (0, 1):
            modem.connect("TCP", port_of(target), link)
            peers.append(self.wire(accept(target)))
        sent, delivered, word = b"", 0, "SEND OK"
        while word == "SEND OK":
            delivered = len(sent)
            data = noise(PIECE, 100 + delivered)
            sent += data
            word, seconds, rounds = self.send_and_chat(modem, data, peers[1], limit)
            self.assertLess(len(sent), CREDIT, "a peer that reads nothing takes without end")
        print(f"# {dialect}: {delivered} bytes taken, then {word} after {seconds:.2f} s, {rounds} times 1 KB from the "
              "other link meanwhile", flush=True)
        self.assertEqual(word, "SEND FAIL")
        self.assertGreater(delivered, 0)
        self.assertTrue(limit <= seconds <= limit + 1, f"SEND FAIL after {seconds} s")
        self.assertGreater(rounds, 10)
        self.settle(modem, peers[0], sent, delivered)
        modem.send(b"go on", 1)
        self.assertEqual(receive(peers[1], 5), b"go on")

    def send_and_chat(self, modem, data, other, limit):
        """One AT+CIPSEND on link 0; until its verdict comes link 1 receives. Verdict, seconds, pieces received."""
        start, asked, rounds = time.monotonic(), False, 0
        serial = modem.serial
        modem.at(f"AT+CIPSEND=0,{len(data)}", modem.prompt())
        serial.send(data)
        serial.expect(b"\r\nRecv %d bytes\r\n" % len(data))
        while True:
            piece = noise(1024, rounds)
            other.sendall(piece)
            word = ""
            if (frame := self.frame_or_word(modem)) != piece:
                word, frame = frame, self.frame_or_word(modem)
            self.assertEqual(frame, piece)
            if word:
                return word, time.monotonic() - start, rounds
            rounds += 1
            if not asked and time.monotonic() - start > limit / 2:  # one sender for all links [tcpip 4.6]
                modem.at("AT+CIPSEND=1,5", b"\r\nbusy s...\r\n" if modem.nonos else b"\r\nbusy p...\r\n")
                asked = True

    def frame_or_word(self, modem):
        """The next thing printed: payload for link 1, or a line."""
        if modem.serial.peek(3) == b"\r\n+":
            link, data = modem.next_frame()
            self.assertEqual(link, 1)
            return data
        return (modem.serial.until(b"\r\n").strip() or modem.serial.until(b"\r\n").strip()).decode()

    def settle(self, modem, peer, sent, delivered):
        """The peer reads again. nonos: what failed was on its way and arrives. esp-at: it was never taken and is gone;
        had a part of it been taken, the stream would have been of no more use and was reset."""
        modem.serial.send(b"AT\r\n")
        cut = modem.serial.until(OK) != OK
        if cut:
            self.assertFalse(modem.nonos)
            with self.assertRaises(ConnectionResetError):
                receive(peer, CREDIT)
            return
        wanted = sent if modem.nonos else sent[:delivered]
        self.assertEqual(sha256(receive(peer, len(wanted))), sha256(wanted))
        modem.send(b"here again", 0)
        self.assertEqual(receive(peer, 10), b"here again")


if __name__ == "__main__":
    main()
