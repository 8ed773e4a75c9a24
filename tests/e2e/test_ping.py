"""AT+PING: a real echo, of this computer or of what the world file mentions."""
import pathlib
import socket
import subprocess
import tempfile

from modem import ESP_AT, HERE, OK, Case, Modem, each_dialect, main

# Becomes a program in a network of its own, whose loopback is up. It may send echoes by the kinds of socket in KINDS,
# "datagram", "raw" or "none": OWN_NETWORK KINDS PROGRAM ARGUMENT...
OWN_NETWORK = ("unshare", "--user", "--map-root-user", "--net", "/usr/bin/python3", "-c", """if True:
    import ctypes, fcntl, os, pathlib, socket, struct, sys
    SIOCSIFFLAGS, IFF_UP, PR_CAPBSET_DROP, CAP_NET_RAW = 0x8914, 1, 24, 13
    kinds, *program = sys.argv[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:
        fcntl.ioctl(any, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    if kinds == "datagram":  # at first no group may
        pathlib.Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 0")
    if kinds != "raw" and ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0) != 0:
        sys.exit("the capability stays")
    os.execv(program[0], program)
""")


def may_ping():
    """Whether this computer lets us send echoes, with either kind of socket."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP).close()
            return True
        except PermissionError:
            pass
    return False


class Ping(Case):
    @each_dialect()
    def test_this_computer(self, dialect):
        """10.0.2.2 answers with its time; where echoes are forbidden the log says so"""
        with Modem(dialect=dialect) as modem:
            for _ in range(3):
                modem.serial.send(f'AT+PING="{HERE}"\r\n'.encode())
                if may_ping():
                    self.assertRegex(modem.serial.until(OK), rb"\+(PING:)?[0-9]+\r\n" + OK + b"$")
                else:
                    modem.serial.until(b"ERROR\r\n")
                    modem.wait_log("no-echoes")

    @each_dialect()
    def test_nobody(self, dialect):
        """An address that nobody has on the modem's network does not answer"""
        with Modem(dialect=dialect) as modem:
            modem.serial.send(b'AT+PING="10.0.2.77"\r\n')
            answer = modem.serial.until(b"ERROR\r\n")
            self.assertIn(b"timeout" if modem.nonos else b"TIMEOUT", answer)
            modem.wait_log("nobody-there")

    @each_dialect(ESP_AT)
    def test_this_computer_by_ipv6(self, dialect):
        """::1 answers by ICMPv6; on hardware it is the module itself, says the log"""
        with Modem(dialect=dialect) as modem:
            modem.at("AT+CIPV6=1")
            for _ in range(3):
                modem.serial.send(b'AT+PING="::1"\r\n')
                if may_ping():
                    self.assertRegex(modem.serial.until(OK), rb"\+PING:[0-9]+\r\n" + OK + b"$")
                    modem.wait_log("loopback-is-module")
                else:
                    modem.serial.until(b"ERROR\r\n")
                    modem.wait_log("no-echoes")

    def test_each_kind_of_socket(self):
        """Echoes by a datagram socket, by a raw one, and where neither is allowed: the log says so"""
        if subprocess.run([*OWN_NETWORK, "datagram", "/bin/true"], capture_output=True, check=False).returncode:
            self.skipTest("this computer lets nobody make a network of his own")
        for kinds in ("datagram", "raw", "none"):
            with Modem(dialect=ESP_AT, through=(*OWN_NETWORK, kinds)) as modem:
                modem.at("AT+CIPV6=1")
                for host in (HERE, "::1") * 3:
                    modem.serial.send(f'AT+PING="{host}"\r\n'.encode())
                    if kinds != "none":
                        self.assertRegex(modem.serial.until(OK), rb"\+PING:[0-9]+\r\n" + OK + b"$")
                    else:
                        modem.serial.until(b"ERROR\r\n")
                self.assertEqual(any("no-echoes" in line for line in modem.log), kinds == "none")

    def test_the_world_file_comes_first(self):
        """A host that the world file mentions answers as that says"""
        with tempfile.TemporaryDirectory(prefix="cipmux-ping-") as folder:
            world = pathlib.Path(folder, "world")
            world.write_text(f'ap ssid="lab" password="password"\nping {HERE} 42ms\n')
            with Modem(f"--world={world}") as modem:
                modem.serial.send(f'AT+PING="{HERE}"\r\n'.encode())
                self.assertRegex(modem.serial.until(OK), rb"\+42\r\n" + OK + b"$")


if __name__ == "__main__":
    main()
