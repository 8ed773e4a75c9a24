"""A modem at work for a long time: does its memory grow, does it leave descriptors behind?

    soak.py PROGRAM [--valgrind] [MINUTES]      default 60

Five links and a server in multiple mode, TCP and UDP, closes and resets from both ends, clients too many, wrong commands, names
that do not exist, AT+RST, and a terminal that is closed and opened again: round after round, each compared byte by byte.
Memory and descriptors are read at each twentieth of the time; from the second on they may not grow. With --valgrind, which itself
keeps what was freed, memcheck tells at the end what leaked. The last line is "N passed, N failed"."""
import random
import socket
import struct
import sys
import time

import modem as common
from modem import CLASSIC, ESP_AT, NONOS, Modem, accept, client, listener, port_of, receive, udp

SAMPLES = 20
GROWTH = 64  # KiB
VALGRIND = ("valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=9")


class Work:
    """One modem and what a round does with it."""

    def __init__(self, dialect, through):
        self.random = random.Random(dialect)
        self.dialect = dialect
        self.modem = Modem("--publish=127.0.0.1:0:80", dialect=dialect, through=through)
        self.target, self.datagrams = listener(), udp()
        self.begin()

    def close(self):
        self.modem.close()
        self.target.close()
        self.datagrams.close()

    def begin(self):
        """What a restart forgets. AT+CWJAP is remembered, and the modem joins by itself."""
        since = len(self.modem.log)
        self.modem.at("AT+CIPMUX=1")
        self.modem.at("AT+CIPSERVER=1,80")
        self.address = self.modem.published(80, since)

    def echo(self, link, peer, n):
        """n bytes up and the same down."""
        data = self.random.randbytes(n)
        self.modem.send(data, link)
        assert receive(peer, n) == data
        peer.sendall(data)
        got = b""
        while len(got) < n:
            number, piece = self.modem.next_frame()
            assert number == link
            got += piece
        assert got == data

    def dials(self):
        """Five links out; each ends in another way."""
        peers = {}
        for link in range(5):
            self.modem.connect("TCP", port_of(self.target), link)
            peers[link] = accept(self.target)
        self.modem.refused(f'AT+CIPSTART=0,"TCP","{common.HERE}",1', "ALREADY CONNECTED")
        for link, peer in peers.items():
            self.echo(link, peer, self.random.randint(1, 2048))
        for link, peer in peers.items():
            if self.random.random() < 0.5:
                self.modem.hang_up(link)
            else:
                if self.random.random() < 0.5:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
                self.modem.serial.until(f"{link},CLOSED\r\n".encode())
            peer.close()

    def clients(self):
        """Five clients at once, and one too many."""
        guests = []
        for link in range(5):
            guests.append(client(self.address))
            self.modem.serial.expect(f"{link},CONNECT\r\n".encode())
        how, _ = common.rejected(self.address)
        assert how in ("refused", "reset", "closed"), how
        for link, guest in enumerate(guests):
            self.echo(link, guest, self.random.randint(1, 1000))
        for link, guest in enumerate(guests):
            guest.close()
            self.modem.serial.until(f"{link},CLOSED\r\n".encode())

    def datagram(self):
        self.modem.at(f'AT+CIPSTART=3,"UDP","{common.HERE}",{port_of(self.datagrams)}', b"3,CONNECT\r\n" + common.OK)
        data = self.random.randbytes(self.random.randint(1, 1400))
        self.modem.send(data, 3)
        got, back = self.datagrams.recvfrom(2048)
        assert got == data
        self.datagrams.sendto(data, back)
        self.modem.expect_data(data, 3)
        self.modem.hang_up(3)

    def mistakes(self):
        self.modem.serial.send(b"AT+CIPSEND=4,10\r\n" + b"AT+NONSENSE\r\n" + self.random.randbytes(300) + b"\r\n")
        self.modem.serial.send(b'AT+CIPSTART=1,"TCP","no-such-name.invalid",80\r\n')
        self.modem.serial.until(b"DNS Fail" if self.modem.nonos else b"ERROR")
        self.settle()

    def settle(self):
        """What is still to be said is said when a command is answered: AT+GMR has an answer of its own."""
        deadline = time.monotonic() + common.PATIENCE
        while time.monotonic() < deadline:
            self.modem.serial.send(b"\r\nAT+GMR\r\n")
            try:
                self.modem.serial.until(b"AT version:", 0.5)
                self.modem.serial.until(common.OK)
                self.modem.serial.waiting = b""
                return
            except AssertionError:
                pass
        raise AssertionError("no answer")

    def reopen(self):
        self.modem.serial.close()
        self.modem.open()
        self.modem.serial.quiet()

    def restart(self):
        self.modem.serial.send(b"AT+RST\r\n")
        self.modem.serial.until(b"ready\r\n")
        self.modem.serial.until(b"WIFI GOT IP\r\n")
        self.modem.serial.send(b"ATE0\r\n")
        self.modem.serial.until(common.OK)
        self.begin()

    def round(self):
        for step in (self.dials, self.clients, self.datagram, self.mistakes, self.reopen, self.restart):
            step()


def soak(work, seconds, most):
    """Rounds until the time is over. False: memory grew by more than `most` KiB, or descriptors did."""
    start, rounds, samples = time.monotonic(), 0, []
    while (now := time.monotonic() - start) < seconds or len(samples) < 2:
        work.round()
        rounds += 1
        if now >= len(samples) * seconds / SAMPLES:
            work.settle()
            samples.append((work.modem.rss(), work.modem.fds()))
    memory, fds = zip(*samples[1:])
    grew = max(memory) - memory[0] > most or fds[-1] > fds[0]
    print(f"{work.dialect:12} {rounds} rounds in {now / 60:.1f} min: memory {memory[0]} to {memory[-1]} KiB, at most "
          f"{max(memory)}; descriptors {fds[0]} to {fds[-1]}{'; FAILED: it grew' if grew else ''}", flush=True)
    return not grew


def main():
    arguments = [a for a in sys.argv[2:] if a != "--valgrind"]
    through = VALGRIND if "--valgrind" in sys.argv else ()
    common.PROGRAM = sys.argv[1]
    seconds = 60 * float(arguments[0] if arguments else 60)
    failed, dialects = 0, (CLASSIC, NONOS, ESP_AT)
    for dialect in dialects:
        work = Work(dialect, through)
        good = soak(work, seconds / len(dialects), float("inf") if through else GROWTH)
        try:
            work.close()
        except AssertionError as error:
            print(f"FAILED: {dialect}: {error}")
            good = False
        failed += not good
    print(f"{len(dialects) - failed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
