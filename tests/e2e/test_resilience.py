"""What the computer does to the program: no descriptors left, stopped and continued, killed and started again."""
import os
import resource
import signal
import statistics
import subprocess
import time

import modem as common
from modem import CLASSIC, ESP_AT, OK, PATIENCE, Case, Modem, accept, client, each_dialect, listener, main, port_of, receive, rejected

PUBLISH = "--publish=127.0.0.1:0:80"


def cpu(pid):
    """Seconds of processor time so far."""
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def silent(peer, seconds):
    """So much time passes, and the peer hears nothing."""
    peer.settimeout(seconds)
    try:
        raise AssertionError(f"heard {peer.recv(100)!r}")
    except TimeoutError:
        peer.settimeout(PATIENCE)


class Resilience(Case):
    @each_dialect(CLASSIC, ESP_AT)
    def test_no_descriptors(self, dialect):
        """No descriptor is left: new links and clients are refused with a line each, old ones go on, nothing spins"""
        target = self.wire(listener())
        with Modem(PUBLISH, dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            modem.at("AT+CIPSERVER=1,80")
            server = modem.published(80)
            modem.connect("TCP", port_of(target), 0)
            old = self.wire(accept(target))
            limit = resource.prlimit(modem.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(modem.pid, resource.RLIMIT_NOFILE, (modem.fds(), limit[1]))
            modem.refused(f'AT+CIPSTART=1,"TCP","10.0.2.2",{port_of(target)}', "1,CONNECT FAIL")
            modem.wait_log("no-descriptors")
            for _ in range(3):
                self.assertIn(rejected(server)[0], ("reset", "closed"))
            for _ in range(20):  # meanwhile the old link works
                old.sendall(b"ping")
                modem.expect_data(b"ping", 0)
                modem.send(b"pong", 0)
                self.assertEqual(receive(old, 4), b"pong")
            busy = cpu(modem.pid)
            silent(old, 1)
            self.assertLess(cpu(modem.pid) - busy, 0.1)
            resource.prlimit(modem.pid, resource.RLIMIT_NOFILE, limit)
            self.wire(client(server))
            modem.serial.expect(b"1,CONNECT\r\n")

    @each_dialect(CLASSIC, ESP_AT)
    def test_stopped_and_continued(self, dialect):
        """SIGSTOP, and the peers act meanwhile; SIGCONT: each byte and each end arrives, within a second"""
        target = self.wire(listener())
        with Modem(dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            peers = []
            for link in range(3):
                modem.connect("TCP", port_of(target), link)
                peers.append(self.wire(accept(target)))
            os.kill(modem.pid, signal.SIGSTOP)
            peers[0].sendall(b"while it slept")
            peers[1].close()
            modem.serial.send(b"AT\r\n")
            silent(peers[2], 2)
            begin = time.monotonic()
            os.kill(modem.pid, signal.SIGCONT)
            wanted = {modem.frame(b"while it slept", 0), b"1,CLOSED\r\n", OK}
            got = b""
            while wanted:
                got += modem.serial.take(1)
                wanted -= {piece for piece in wanted if got.endswith(piece)}
            self.assertLess(time.monotonic() - begin, 1)
            modem.send(b"alive", 2)
            self.assertEqual(receive(peers[2], 5), b"alive")

    def test_killed_and_started(self):
        """kill -9 and a new start, ten times: the settings are there, and `ready` comes at once"""
        flash = self.write("").with_name("flash")
        with Modem(f"--flash={flash}", join=False) as modem:
            modem.at("AT+CWMODE_DEF=3")
        times = []
        for _ in range(10):
            begin = time.monotonic()
            process = subprocess.Popen([common.PROGRAM, "--quiet", f"--flash={flash}"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
            got = b""
            while not got.endswith(b"ready\r\n"):
                got += os.read(process.stdout.fileno(), 100)
            times.append(time.monotonic() - begin)
            process.stdin.write(b"AT+CWMODE_DEF?\n")
            process.stdin.flush()
            while not got.endswith(OK):
                got += os.read(process.stdout.fileno(), 100)
            self.assertIn(b"+CWMODE_DEF:3\r\n", got)
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        print(f"# from the start to `ready`: median {1000 * statistics.median(times):.0f} ms")
        self.assertLess(statistics.median(times), 1)


if __name__ == "__main__":
    main()
