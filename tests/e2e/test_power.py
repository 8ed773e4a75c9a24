"""Power and boot in the program: what the ROM says at power-on (--boot-text), deep sleep and what wakes from it."""
import pathlib
import re
import subprocess
import time

import serial

import modem as e2e
from modem import (CLASSIC, ESP_AT, NONOS, OK, PATIENCE, Case, Modem, accept, client, each_dialect, listener, main, port_of,
                   receive)

TRANSCRIPT = pathlib.Path(__file__).parents[1] / "transcripts/basic/boot-text-power-on-nonos.txt"


def noise():
    """The ROM's and the SDK's text as 115200 baud reads it, from the transcript: the lines up to the reset pin."""
    told = TRANSCRIPT.read_text().split("! reset-pin")[0]
    text = "".join(line[2:] for line in told.splitlines() if line.startswith("< ")).replace("\\0", "\\x00")
    return text.encode().decode("unicode_escape").encode("latin-1")


class BootText(Case):
    def output(self, *options):
        """What the modem says on stdout, from power-on to the answer to AT."""
        return subprocess.run([e2e.PROGRAM, "--quiet", *options], input=b"AT\n", capture_output=True, timeout=PATIENCE,
                              check=True).stdout

    def test_at_power_on(self):
        """--boot-text=rom: the ROM's 74880 baud as noise, byte for byte as in the transcript; without it, nothing"""
        after = b"AT\r\r\n" + OK
        for pace in ("max", "real"):
            self.assertEqual(self.output("--boot-text=rom", f"--pace={pace}"), noise() + after)
            self.assertEqual(self.output("--boot-text=quiet", f"--pace={pace}"), b"\r\nready\r\n" + after)
        self.assertGreater(len(noise()), 300)

    def test_readable_at_its_own_rate(self):
        """A client at 74880 baud reads the ROM's text after a reset, in clear"""
        with e2e.Process("--boot-text=rom", "--rfc2217=127.0.0.1:0") as modem:
            port = re.search(r"127\.0\.0\.1:(\d+), RFC 2217", modem.wait_log("modem on")).group(1)
            line = self.wire(serial.serial_for_url(f"rfc2217://127.0.0.1:{port}", baudrate=74880, timeout=PATIENCE))
            line.dtr = False
            line.dtr = True
            text = line.read_until(b"jump to run user1 @ 1000\r\n\r\n")
            self.assertRegex(text, rb" ets Jan  8 2013,rst cause:2, boot mode:\(3,7\)\r\n")
            self.assertNotIn(noise()[:20], text)
            self.assertEqual(line.read_until(b"ready\r\n"), b"rf cal sector: 507\r\n\r\nready\r\n")


class DeepSleep(Case):
    @each_dialect(CLASSIC, NONOS, "nonos-1.3", ESP_AT)
    def test_wakes_by_itself(self, dialect):
        """AT+GSLP: OK, links end, what is typed is lost, and after that time the modem starts as after a reset"""
        target = self.wire(listener())
        with Modem(dialect=dialect) as modem:
            modem.connect("TCP", port_of(target))
            peer = self.wire(accept(target))
            modem.send(b"good night")
            self.assertEqual(receive(peer, 10), b"good night")
            began = time.monotonic()
            modem.at("AT+GSLP=700")
            self.assertEqual(peer.recv(1), b"")
            modem.serial.send(b"AT\r\n")
            modem.wait_log(r"^asleep: for 700 ms$")
            modem.wait_log(r"^reset: by GPIO16, the sleep is over$")
            self.assertGreaterEqual(time.monotonic() - began, 0.7)
            text = modem.serial.until(b"ready\r\n")
            self.assertNotIn(b"OK", text)
            modem.serial.expect(b"WIFI CONNECTED\r\nWIFI GOT IP\r\n")  # by itself, as the settings say
            modem.serial.send(b"AT\r\n")
            modem.serial.expect(b"AT\r\r\n\r\nOK\r\n" if modem.nonos else b"AT\r\n\r\nOK\r\n")  # the echo is on again

    @each_dialect(CLASSIC, ESP_AT)
    def test_until_the_reset_pin(self, dialect):
        """AT+GSLP=0 --boot=open: asleep until somebody opens the line, which pulls the reset pin; its server is gone"""
        with Modem("--boot=open", "--publish=127.0.0.1:0:80", dialect=dialect) as modem:
            modem.at("AT+CIPMUX=1")
            modem.at("AT+CIPSERVER=1,80")
            place = modem.published(80)
            self.wire(client(place))
            modem.serial.expect(b"0,CONNECT\r\n")
            modem.at("AT+GSLP=0")
            modem.wait_log(r"^asleep: until the reset pin$")
            modem.wait_log(r"^listening: no more on port 80$")
            with self.assertRaises(ConnectionRefusedError):
                client(place)
            since = len(modem.log)
            modem.serial.send(b"AT\r\n")
            modem.serial.close()
            modem.wait_log(r"nobody is there", since)
            modem.open()
            modem.wait_log(r"^reset: by the reset pin$", since)
            modem.serial.until(b"ready\r\n")


if __name__ == "__main__":
    main()
