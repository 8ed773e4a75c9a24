"""The fixture `modem`: an ESP8266 for one test. Explained in docs/CI.md."""
import os
import select
import subprocess

import pytest

CIPMUX = os.environ.get("CIPMUX", "cipmux")


class Modem:
    """The modem's serial line, as the firmware sees it. `host` is where the modem's own servers are found."""

    def __init__(self, tty, host):
        self.fd = os.open(tty, os.O_RDWR | os.O_NOCTTY)
        self.host = host

    def send(self, data):
        os.write(self.fd, data)

    def until(self, end, seconds=10):
        data = b""
        while not data.endswith(end):
            assert select.select([self.fd], [], [], seconds)[0], f"waited for {end!r}, got {data!r}"
            data += os.read(self.fd, 1)
        return data

    def at(self, command):
        self.send(command.encode() + b"\r\n")
        return self.until(b"\r\nOK\r\n")


@pytest.fixture
def modem(tmp_path):
    """`cat` holds the modem until its stdin is closed, also when the tests are killed. Then --fail-on speaks."""
    command = [CIPMUX, "run", "--fail-on=refusal,loss,classic", f"--log={tmp_path}/modem.log", "--",
               "sh", "-c", 'echo "$CIPMUX_TTY $CIPMUX_HOST"; exec cat']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as run:
        modem = Modem(*run.stdout.readline().split())
        yield modem
        os.close(modem.fd)
        _, complaint = run.communicate(timeout=30)
    assert run.returncode == 0, complaint
