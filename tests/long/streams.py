"""Streams through passthrough for as long as wanted, both ways at once, with stalls on every side, a terminal that is closed
and opened again, and a peer that closes and is dialled again: is each byte there, in its place?

    streams.py PROGRAM [GIBIBYTES [SEED]]      GIBIBYTES counts both ways; default 1

Each side sends a stream that its receiver knows (noise of a length that divides no buffer, again and again) and compares byte
by byte. Before a terminal is closed, or a peer, all that is on its way arrives: what a kernel throws away with a closed socket is
not the modem's. The last line is "N passed, N failed"."""
import os
import random
import select
import sys
import time

import modem as common
from modem import CLASSIC, ESP_AT, NONOS, Modem, accept, listener, port_of

GIBIBYTE = 1 << 30
NOISE = 1000003        # bytes, a prime
ROUND = 64 * common.PATIENCE  # seconds that a round may take
PIECE = 65536
STALL = (0.02, 0.4)    # seconds
ROUND_BYTES = (1 << 20, 64 << 20)
SIZES = (1, 100, 1460) + (PIECE,) * 17  # of a read or write


class Pipe:
    """One direction: what was sent and received, and until when each end stands still."""

    def __init__(self, noise, name):
        self.noise = noise + noise[:PIECE]
        self.name = name
        self.sent = self.got = self.end = 0
        self.still = [0.0, 0.0]

    def next(self):
        at = self.sent % NOISE
        return memoryview(self.noise)[at:at + min(PIECE, self.end - self.sent)]

    def take(self, data):
        at = self.got % NOISE
        if data != self.noise[at:at + len(data)]:
            wrong = next(i for i, byte in enumerate(data) if byte != self.noise[at + i])
            raise AssertionError(f"{self.name}: byte {self.got + wrong} is {data[wrong]:#04x}, not {self.noise[at + wrong]:#04x}")
        self.got += len(data)


class Bridge:
    """A modem in passthrough between a Unix socket and a peer."""

    def __init__(self, dialect, seed):
        self.random = random.Random(seed)
        noise = self.random.randbytes(NOISE).replace(b"+++", b"+-+")
        self.down, self.up = Pipe(noise, f"{dialect}, peer to terminal"), Pipe(noise[::-1], f"{dialect}, terminal to peer")
        self.dialect = dialect
        self.target = listener()
        self.modem = Modem(dialect=dialect, serial="unix")
        self.modem.connect("TCP", port_of(self.target))
        self.peer = accept(self.target)
        self.peer.setblocking(False)
        self.modem.passthrough()
        self.memory = self.modem.rss()
        self.reopened = self.redialled = self.stalls = 0

    def close(self):
        self.modem.close()
        self.peer.close()
        self.target.close()

    def stall(self):
        """Sometimes one of the four ends stands still for a while."""
        if self.random.random() < 0.0005:
            self.random.choice((self.down, self.up)).still[self.random.randrange(2)] = \
                time.monotonic() + self.random.uniform(*STALL)
            self.stalls += 1

    def step(self):
        now = time.monotonic()
        line, peer = self.modem.serial.fd, self.peer.fileno()
        reads = [fd for fd, pipe in ((line, self.down), (peer, self.up)) if pipe.got < pipe.end and pipe.still[1] <= now]
        writes = [fd for fd, pipe in ((peer, self.down), (line, self.up)) if pipe.sent < pipe.end and pipe.still[0] <= now]
        readable, writable, _ = select.select(reads, writes, [], 0.05)
        for fd in readable:
            data = os.read(fd, self.random.choice(SIZES))
            if not data:
                raise AssertionError(f"{self.dialect}: the modem closed")
            (self.down if fd == line else self.up).take(data)
        for fd in writable:
            pipe = self.down if fd == peer else self.up
            piece = pipe.next()
            try:
                pipe.sent += os.write(fd, piece[:self.random.choice(SIZES)])
            except BlockingIOError:
                pass
        self.stall()

    def round(self, most):
        """Some megabytes each way, then one of the ends is closed and opened again."""
        for pipe in (self.down, self.up):
            pipe.end = pipe.sent + min(most // 2 + 1, self.random.randint(*ROUND_BYTES))
        deadline = time.monotonic() + ROUND
        while self.down.got < self.down.end or self.up.got < self.up.end:
            self.step()
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.dialect}: nothing moves: {vars(self.down)} {vars(self.up)}")
        if self.random.random() < 0.5:
            self.modem.serial.close()
            self.modem.open()
            self.reopened += 1
        else:
            self.peer.close()
            self.peer = accept(self.target)
            self.peer.setblocking(False)
            self.redialled += 1


def main():
    common.PROGRAM = sys.argv[1]
    wanted = int(float(sys.argv[2] if len(sys.argv) > 2 else 1) * GIBIBYTE)
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    failed, dialects = 0, (CLASSIC, NONOS, ESP_AT)
    for number, dialect in enumerate(dialects):
        bridge = Bridge(dialect, seed * 10 + number)
        start, outcome = time.monotonic(), "each byte in its place"
        try:
            while (done := bridge.down.got + bridge.up.got) < wanted // len(dialects):
                bridge.round(wanted // len(dialects) - done)
        except AssertionError as error:
            outcome = f"FAILED: {error}"
            failed += 1
        took = time.monotonic() - start
        down, up = bridge.down.got, bridge.up.got
        print(f"{dialect:12} {down / GIBIBYTE:.3f} GiB down, {up / GIBIBYTE:.3f} GiB up, {(down + up) / took / 1048576:.0f} MiB/s, "
              f"{outcome}; {bridge.stalls} stalls, {bridge.reopened} terminals reopened, {bridge.redialled} peers dialled "
              f"again; memory {bridge.modem.rss() - bridge.memory:+d} KiB", flush=True)
        bridge.close()
    print(f"{len(dialects) - failed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
