"""The world around the program's modem: what --world says is there, what happens later, and which line is wrong."""
import re
import subprocess
import tempfile

import modem as common
from modem import (PATIENCE, Case, Modem, accept, client, each_dialect, listener, main, port_of, receive,
                   udp)

WRONG = (
    ('ap ssid="x"\nap ssid="y" channel=15', "2: column 21: expected a number from 1 to 14, not \"15\""),
    ('ap ssid="x" chanel=3', '1: column 20: this verb does not know "chanel=3"'),
    ('# a comment\n\nop ssid="x"', '3: column 1: no verb is called "op"'),
    ('at 10 kick', '1: column 4: expected a time such as 20ms (units us ms s m h), not "10"'),
    ('at 5s kick\nat 3s kick', '2: column 4: expected a time that is not before that of the line above, not "3s"'),
    ('at 5s', '1: column 4: expected what happens then'),
    ('at 5s ap-gone ssid="nobody"', '1: column 20: expected the name of an access point, not "nobody"'),
    ('wait 2s\nap ssid="z" dhcp=soon', '2: column 18: expected never, or a time such as 2s, not "soon"'),
    ('ap ssid="x', '1: column 9: the quote is never closed'),
)


class WorldFile(Case):
    def test_a_wrong_line_is_named(self):
        """Line, column and what was expected, also of a line that comes later; exit status 3"""
        for text, complaint in WRONG:
            path = self.write(text)
            done = self.cipmux(f"--world={path}")
            self.assertEqual(done.returncode, 3, text)
            self.assertEqual(done.stdout, b"")
            self.assertEqual(done.stderr.decode().splitlines()[0], f"cipmux: {path}:{complaint}")
        gone = self.write("kick").with_name("nothing")
        done = self.cipmux(f"--world={gone}")
        self.assertEqual((done.returncode, done.stderr.decode()),
                         (3, f"cipmux: {gone}: No such file or directory\n"))

    def test_the_form_of_a_wrong_line_is_shown(self):
        """Behind the complaint stands what the verb takes, or where the verbs are listed"""
        done = self.cipmux(f"--world={self.write('wps-button')}")
        self.assertEqual(done.stderr.decode().splitlines()[1], "  wps-button ssid=TEXT")
        done = self.cipmux(f"--world={self.write('nothing of the kind')}")
        self.assertEqual(done.stderr.decode().splitlines()[1], "  cipmux help world lists the verbs")

    def test_help(self):
        """cipmux help world: the words work as they stand there"""
        done = self.cipmux("help", "world")
        text = done.stdout.decode()
        for verb in ("ap ssid=TEXT", "ap-gone ssid=TEXT", "kick", "smartconfig ssid=TEXT", "at TIME VERB", "wait TIME"):
            self.assertIn(f"\n  {verb}", text)
        beginning, first, second = re.findall(r"(?<=:\n\n|\)\n\n)((?:  .*\n)+)", text.split("When:")[0])
        with Modem(f"--world={self.write(beginning + first)}", join=False) as modem:
            modem.at("AT+CWMODE=1")
            modem.at('AT+CWJAP="cafe","water"', b"+CWJAP:2\r\n\r\nFAIL\r\n")
            modem.at('AT+CWJAP="cafe","espresso"', b"WIFI CONNECTED\r\nWIFI GOT IP\r\n" + common.OK)
            modem.at('AT+CWJAP="lab","password"', b"WIFI DISCONNECT\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n" + common.OK)
        with Modem(f"--world={self.write(second.replace('30s', '300ms'))}", join=False) as modem:
            modem.at("AT+CWMODE=2")
            modem.at('AT+CWSAP="mine","12345678",5,3')
            modem.serial.until(b'+DIST_STA_IP:"02:00:00:00:01:01","192.168.4.2"\r\n')
            modem.serial.until(b'+STA_DISCONNECTED:"02:00:00:00:01:01"\r\n')
            modem.wait_log("world: line 2: station-is")

    def test_a_check_that_fails(self):
        """What is checked later may be wrong now; then it is told, and the exit status is 1"""
        path = self.write('station phone ssid="mine" password="12345678"\nat 100ms station-is phone joined')
        done = self.cipmux(f"--world={path}", "--quiet")
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 2: column 27: phone is out, with 0.0.0.0", done.stderr.decode())
        commands = b'AT+CWMODE=2\r\nAT+CWSAP="mine","87654321",5,3\r\n'
        done = subprocess.run([common.PROGRAM, f"--world={path}"], input=commands, capture_output=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 2: column 27: phone is out: the soft-AP has another password", done.stderr.decode())
        later = self.write('station phone ssid="mine" password="12345678"\nat 600s station-is phone joined')
        done = self.cipmux("run", f"--world={later}", "--", "cat")
        self.assertEqual(done.returncode, 0, "the command ends before the check")


class FiveLinks(Case):
    """The access point goes and comes back while five links to real sockets are open."""

    def exchange(self, modem, link, peer, port):
        data = b"to %d" % link
        modem.send(data, link)
        if link == 2:
            got, port = peer.recvfrom(100)
            peer.sendto(b"from 2", port)
        else:
            got = receive(peer, len(data))
            peer.sendall(b"from %d" % link)
        self.assertEqual(got, data)
        modem.expect_data(b"from %d" % link, link)

    def open(self, modem, peers, again):
        """Two links that are dialled, one of UDP, two of the server; data both ways on each."""
        target, datagrams = peers
        links = {}
        for link in (0, 1):
            modem.connect("TCP", port_of(target), link)
            links[link] = self.wire(accept(target))
        if not again or not modem.nonos:
            modem.connect("UDP", port_of(datagrams), 2)
        links[2] = datagrams
        for link in (3, 4):
            links[link] = self.wire(client(modem.published(80)))
            modem.serial.expect(b"%d,CONNECT\r\n" % link)
        for link, peer in links.items():
            self.exchange(modem, link, peer, None)

    def lose(self, dialect, after_s):
        """False: the computer was too slow, the access point went before everything was open."""
        peers = self.wire(listener()), self.wire(udp())
        with tempfile.NamedTemporaryFile("w", prefix="cipmux-world-") as world:
            world.write(f'at {after_s}s ap-gone ssid="lab"\nwait 1s\nap-back ssid="lab"\n')
            world.flush()
            with Modem("--publish=127.0.0.1:0:80", f"--world={world.name}", dialect=dialect) as modem:
                try:
                    modem.at("AT+CIPMUX=1")
                    modem.at("AT+CIPSERVER=1,80")
                    self.open(modem, peers, again=False)
                except (AssertionError, OSError):
                    if any("ap-gone" in line for line in modem.log):
                        return False
                    raise
                ends = ("0,CLOSED", "1,CLOSED", "3,CONNECT FAIL", "4,CONNECT FAIL") if modem.nonos else tuple(
                    f"{link},CLOSED" for link in range(5))
                lines = (*ends, "WIFI DISCONNECT", "WIFI CONNECTED", "WIFI GOT IP")
                modem.serial.expect("".join(f"{line}\r\n" for line in lines).encode(), PATIENCE + after_s)
                self.open(modem, peers, again=True)
                modem.serial.quiet()
        return True

    @each_dialect(*common.DIALECTS, "nonos-1.3")
    def test_lost_and_found(self, dialect):
        """The links end in the dialect's order, and each can be used again when the access point is back"""
        self.assertTrue(any(self.lose(dialect, after_s) for after_s in (3, 12, 50)))


if __name__ == "__main__":
    main()
