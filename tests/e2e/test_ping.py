"""AT+PING: a real echo, of this computer or of what the world file mentions."""
import pathlib
import socket
import tempfile

from modem import HERE, OK, Case, Modem, each_dialect, main


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
