"""Several modems in one process (--modem): a soft-AP and its stations, and what passes between them by virtual addresses."""
import hashlib
import json
import pathlib
import re
import threading

import modem as common
from modem import (CLASSIC, ESP_AT, NONOS, OK, PATIENCE, Case, Modems, client, each_dialect, free_udp_port, listener, main,
                   pattern, port_of, receive)

FAMILIES = (CLASSIC, NONOS, "nonos-1.3", ESP_AT)
AP, STA, THIRD = "5e:cf:7f:00:00:01", "5c:cf:7f:00:00:02", "5c:cf:7f:00:00:03"
MEGABYTE = 1 << 20
ANYWHERE = "publish=127.0.0.1:0:80"  # other tests run beside: no fixed port of this computer


def open_soft_ap(modem, name="mine", password="12345678", server=80):
    modem.at("AT+CWMODE=2")
    modem.at(f'AT+CWSAP="{name}","{password}",5,3')
    if server:
        modem.at("AT+CIPMUX=1")
        modem.at(f"AT+CIPSERVER=1,{server}")


def join(modem, password="12345678", to="mine"):
    modem.at("AT+CWMODE=1")
    modem.at(f'AT+CWJAP="{to}","{password}"', b"WIFI CONNECTED\r\nWIFI GOT IP\r\n" + OK)


def station_came(modem, mac=STA, ip="192.168.4.2"):
    modem.serial.expect(f'+STA_CONNECTED:"{mac}"\r\n+DIST_STA_IP:"{mac}","{ip}"\r\n'.encode())


def station_left(modem, mac=STA):
    modem.serial.expect(f'+STA_DISCONNECTED:"{mac}"\r\n'.encode())


def died(modem, link):
    """The end of a link of the server that nobody closed."""
    modem.serial.expect(f"{link},{'CONNECT FAIL' if modem.nonos else 'CLOSED'}\r\n".encode())


class Between(Case):
    def meet(self, dialect, *options, **keys):
        """A soft-AP with a server, and a station that has joined it."""
        modems = Modems(*options, dialect=dialect, **(keys or {"ap": ANYWHERE, "sta": None}))
        self.addCleanup(modems.close)
        open_soft_ap(modems["ap"])
        join(modems["sta"])
        station_came(modems["ap"])
        return modems

    def link(self, modems, link=0):
        modems["sta"].connect("TCP", 80, host="192.168.4.1")
        modems["ap"].serial.expect(b"%d,CONNECT\r\n" % link)

    def both_ways(self, modems):
        ap, sta = modems["ap"], modems["sta"]
        sta.send(b"question")
        ap.expect_data(b"question", 0)
        ap.send(b"answer", 0)
        sta.expect_data(b"answer")

    @each_dialect(*FAMILIES)
    def test_station_comes_and_leaves(self, dialect):
        """Scan, join, lease, a link, data, who is who; the station leaves by command, and the link ends on both sides"""
        modems = self.meet(dialect)
        ap, sta = modems["ap"], modems["sta"]
        sta.at('AT+CWLAPOPT=0,2')
        sta.at('AT+CWLAP="mine"', b'+CWLAP:("mine")\r\n' + OK)
        ap.serial.send(b"AT+CWLIF\r\n")
        self.assertIn(f"192.168.4.2,{STA}\r\n".encode(), ap.serial.until(OK))
        sta.serial.send(b"AT+CIFSR\r\n")
        self.assertIn(b'STAIP,"192.168.4.2"', sta.serial.until(OK))
        self.link(modems)
        self.both_ways(modems)
        ap.serial.send(b"AT+CIPSTATUS\r\n")
        self.assertRegex(ap.serial.until(OK), rb'\+CIPSTATUS:0,"TCP","192\.168\.4\.2",\d+,80,1\r\n')
        sta.at("AT+CWQAP", OK + b"CLOSED\r\nWIFI DISCONNECT\r\n" if sta.nonos else b"CLOSED\r\nWIFI DISCONNECT\r\n" + OK)
        died(ap, 0)
        station_left(ap)
        ap.serial.quiet()
        sta.serial.quiet()

    def bulk(self, sender, receiver, link_there, link_here):
        """A megabyte in passthrough or by CIPSEND; the receiver's frames are put together and checked."""
        data = pattern(MEGABYTE, seed=link_there + 1)
        digest, got = hashlib.sha256(), 0
        error = []

        def send():
            try:
                for at in range(0, len(data), 2048):
                    sender.send(data[at:at + 2048], link_there)
            except AssertionError as failure:
                error.append(failure)

        writer = threading.Thread(target=send, daemon=True)
        writer.start()
        while got < len(data) and not error:
            link, piece = receiver.next_frame()
            self.assertEqual(link, link_here)
            digest.update(piece)
            got += len(piece)
        writer.join(PATIENCE)
        self.assertEqual(error, [])
        self.assertEqual((got, digest.hexdigest()), (len(data), hashlib.sha256(data).hexdigest()))

    @each_dialect(NONOS, "nonos-1.3", ESP_AT)
    def test_a_megabyte_each_way(self, dialect):
        """1 MB each way through one link, with checksum; then it is closed by the soft-AP"""
        modems = self.meet(dialect)
        ap, sta = modems["ap"], modems["sta"]
        sta.at("AT+CIPMUX=1")
        sta.connect("TCP", 80, 3, host="192.168.4.1")
        ap.serial.expect(b"0,CONNECT\r\n")
        self.bulk(sta, ap, 3, 0)
        self.bulk(ap, sta, 0, 3)
        ap.hang_up(0)
        sta.serial.expect(b"3,CLOSED\r\n")
        line = modems.wait_log(r"^ap: closed: link 0")
        self.assertIn(f"{MEGABYTE} bytes received, {MEGABYTE} sent", line)

    @each_dialect(*FAMILIES)
    def test_the_soft_ap_restarts(self, dialect):
        """AT+RST of the soft-AP's modem while linked: the station loses link and network, and is again there afterwards"""
        modems = self.meet(dialect)
        ap, sta = modems["ap"], modems["sta"]
        self.link(modems)
        ap.serial.send(b"AT+RST\r\n")
        ap.serial.until(b"ready\r\n")
        sta.serial.expect(b"CLOSED\r\nWIFI DISCONNECT\r\n")
        ap.start(join=False)
        if not ap.nonos:  # not stored there unless AT+SYSSTORE=1, which is its default
            ap.serial.send(b"AT+CWMODE?\r\n")
            ap.serial.until(OK)
        open_soft_ap(ap)
        text = ap.serial  # the station comes back by itself, before or after the new settings
        sta.serial.expect(b"WIFI CONNECTED\r\nWIFI GOT IP\r\n")
        text.until(f'+DIST_STA_IP:"{STA}","192.168.4.2"\r\n'.encode())
        self.link(modems)
        self.both_ways(modems)

    @each_dialect(*FAMILIES)
    def test_the_station_restarts(self, dialect):
        """AT+RST of the station while linked: the soft-AP sees no end of the link but the station's"""
        modems = self.meet(dialect)
        ap, sta = modems["ap"], modems["sta"]
        self.link(modems)
        sta.serial.send(b"AT+RST\r\n")
        sta.serial.until(b"ready\r\n")
        died(ap, 0)
        station_left(ap)

    @each_dialect(NONOS, ESP_AT)
    def test_the_station_is_thrown_out(self, dialect):
        """The soft-AP restarts (nonos) or throws it out (AT+CWQIF): both ends of the link end without a word between them"""
        modems = self.meet(dialect)
        ap, sta = modems["ap"], modems["sta"]
        self.link(modems)
        gone = f'+STA_DISCONNECTED:"{STA}"\r\n'.encode()
        if ap.nonos:
            ap.at('AT+CWSAP="mine","12345678",6,3', b"0,CONNECT FAIL\r\n" + gone + OK)
        else:
            ap.at("AT+CWQIF", OK + b"0,CLOSED\r\n" + gone)
        sta.serial.expect(b"CLOSED\r\nWIFI DISCONNECT\r\n")
        sta.serial.expect(b"WIFI CONNECTED\r\nWIFI GOT IP\r\n")  # it comes back by itself
        station_came(ap)
        self.link(modems)
        self.both_ways(modems)

    @each_dialect(NONOS, ESP_AT)
    def test_the_soft_ap_is_switched_off(self, dialect):
        """AT+CWMODE=1 at the soft-AP while linked: both sides lose the link and each other"""
        modems = self.meet(dialect)
        ap, sta = modems["ap"], modems["sta"]
        self.link(modems)
        gone = f'+STA_DISCONNECTED:"{STA}"\r\n'.encode()
        ap.at("AT+CWMODE=1", OK + b"0,CONNECT FAIL\r\n" + gone if ap.nonos else b"0,CLOSED\r\n" + gone + OK)
        sta.serial.expect(b"CLOSED\r\nWIFI DISCONNECT\r\n")

    @each_dialect(NONOS, ESP_AT)
    def test_the_station_sleeps(self, dialect):
        """AT+GSLP at the station while linked: for the soft-AP it left; awake again it joins by itself"""
        modems = self.meet(dialect)
        ap, sta = modems["ap"], modems["sta"]
        self.link(modems)
        sta.at("AT+GSLP=300")
        died(ap, 0)
        station_left(ap)
        sta.serial.until(b"ready\r\n")
        sta.serial.expect(b"WIFI CONNECTED\r\nWIFI GOT IP\r\n")
        station_came(ap)

    @each_dialect(NONOS, "nonos-1.3")  # SEND OK means that it has arrived
    def test_last_words(self, dialect):
        """What had arrived before the station left is printed before its end"""
        modems = self.meet(dialect)
        ap, sta = modems["ap"], modems["sta"]
        self.link(modems)
        sta.send(b"last words")
        sta.serial.send(b"AT+CWQAP\r\n")
        ap.expect_data(b"last words", 0)
        died(ap, 0)
        station_left(ap)

    @each_dialect(NONOS, ESP_AT)
    def test_both_close(self, dialect):
        """FIN and RST: each side closes a link, the other sees CLOSED, or in nonos the abnormal end of a server's link"""
        modems = self.meet(dialect)
        ap, sta = modems["ap"], modems["sta"]
        for closes, sees, line in ((sta, ap, None), (ap, sta, 0)):
            self.link(modems)
            closes.hang_up(line)
            sees.serial.expect(b"0,CLOSED\r\n" if sees is ap else b"CLOSED\r\n")
        self.link(modems)
        sta.at("AT+CIPCLOSEMODE=1" if sta.nonos else "AT+CIPTCPOPT=0,,")
        sta.hang_up()
        died(ap, 0)

    @each_dialect(*FAMILIES)
    def test_wrong_password_and_who_is_refused(self, dialect):
        """A wrong password, a refused port, an address that nobody has, a modem without server"""
        modems = self.meet(dialect, "--timing=dial_limit=300", "--timing=join_report=0", ap=ANYWHERE, sta=None, third=ANYWHERE)
        ap, sta, third = modems["ap"], modems["sta"], modems["third"]
        third.at("AT+CWMODE=1")
        third.at('AT+CWJAP="mine","87654321"', b"+CWJAP:2\r\n" + (b"\r\nFAIL\r\n" if third.nonos else common.ERROR))
        join(third)
        station_came(ap, THIRD, "192.168.4.3")
        end = b"\r\nERROR\r\nCLOSED\r\n" if sta.nonos else b"\r\nERROR\r\n"
        since = len(modems.log)
        sta.at('AT+CIPSTART="TCP","192.168.4.1",81', end)
        modems.wait_log(r"^sta: failed: .*\[connection-refused\]", since)
        sta.at('AT+CIPSTART="TCP","192.168.4.3",80', end)
        since = len(modems.log)
        sta.at('AT+CIPSTART="TCP","192.168.4.77",80', end)
        modems.wait_log(r"^sta: note: .*\[nobody-there\]", since)
        sta.at('AT+CIPSTART="TCP","10.0.2.2",80', end)  # behind a soft-AP there is nothing

    @each_dialect(*FAMILIES)
    def test_stations_reach_each_other(self, dialect):
        """Two stations of a soft-AP: a link from one to the other's server, data both ways"""
        modems = self.meet(dialect, ap=ANYWHERE, sta=None, third=ANYWHERE)
        sta, third = modems["sta"], modems["third"]
        join(third)
        third.at("AT+CIPMUX=1")
        third.at("AT+CIPSERVER=1,80")
        sta.connect("TCP", 80, host="192.168.4.3")
        third.serial.expect(b"0,CONNECT\r\n")
        sta.send(b"hello")
        third.expect_data(b"hello", 0)
        third.send(b"good day", 0)
        sta.expect_data(b"good day")

    def test_single_mode_server_turns_away(self):
        """classic: the server of single mode has one client; another modem is reset or refused, the first one stays"""
        modems = Modems("--timing=refused=0", ap=ANYWHERE, sta=None, third=ANYWHERE)
        self.addCleanup(modems.close)
        ap, sta, third = modems["ap"], modems["sta"], modems["third"]
        open_soft_ap(ap, server=None)
        ap.at("AT+CIPSERVER=1,80")
        join(sta)
        station_came(ap)
        join(third)
        station_came(ap, THIRD, "192.168.4.3")
        sta.connect("TCP", 80, host="192.168.4.1")
        ap.serial.expect(b"CONNECT\r\n")
        third.serial.send(b'AT+CIPSTART="TCP","192.168.4.1",80\r\n')
        self.assertIn(third.serial.until(b"CLOSED\r\n"), (b"CONNECT\r\n" + OK + b"CLOSED\r\n", b"\r\nERROR\r\nCLOSED\r\n"))
        modems.wait_log(r"^ap: refused: from 192\.168\.4\.3:\d+, .*\[client-reset\]")
        sta.send(b"still here")
        ap.expect_data(b"still here")

    @each_dialect(NONOS, ESP_AT)
    def test_five_are_the_most(self, dialect):
        """A sixth client of a modem: without answer in nonos, refused in esp-at, until a link ends"""
        modems = self.meet(dialect, "--timing=dial_limit=300", ap=ANYWHERE, sta=None, third=ANYWHERE)
        ap, sta, third = modems["ap"], modems["sta"], modems["third"]
        join(third)
        station_came(ap, THIRD, "192.168.4.3")
        sta.at("AT+CIPMUX=1")
        for link in range(5):
            sta.connect("TCP", 80, link, host="192.168.4.1")
            ap.serial.expect(b"%d,CONNECT\r\n" % link)
        third.at('AT+CIPSTART="TCP","192.168.4.1",80', b"\r\nERROR\r\nCLOSED\r\n" if third.nonos else b"\r\nERROR\r\n")
        if third.nonos:
            modems.wait_log(r"^ap: refused: from 192\.168\.4\.3:\d+, .*\[client-ignored\]")
        sta.hang_up(2)
        ap.serial.expect(b"2,CLOSED\r\n")
        third.connect("TCP", 80, host="192.168.4.1")
        ap.serial.expect(b"2,CONNECT\r\n")

    @each_dialect(*FAMILIES)
    def test_udp(self, dialect):
        """UDP both ways, with the same local port on both; then a broadcast of the soft-AP to two stations"""
        modems = self.meet(dialect, ap=ANYWHERE, sta=None, third=ANYWHERE)
        ap, sta, third = modems["ap"], modems["sta"], modems["third"]
        join(third)
        station_came(ap, THIRD, "192.168.4.3")
        port = free_udp_port()
        sta.connect("UDP", port, rest=f",{port},0", host="192.168.4.1")
        ap.connect("UDP", port, 1, rest=f",{port},0", host="192.168.4.2")
        third.connect("UDP", port, rest=f",{port},0", host="192.168.4.1")
        modems.wait_log(rf"^ap: listening: link 1, UDP port {port} is at .* taken by modem sta")
        for data in (b"one", b"two" * 400):
            sta.send(data)
            ap.expect_data(data, 1)
            ap.send(data[::-1], 1)
            sta.expect_data(data[::-1])
        ap.connect("UDP", port, 2, rest=f",{free_udp_port()},0", host="192.168.4.255")
        ap.send(b"to all", 2)
        sta.expect_data(b"to all")
        third.expect_data(b"to all")
        ap.send(b"nobody has that port", 2, rest=f',"192.168.4.2",{port + 1 if port < 65535 else port - 1}')
        for modem in (ap, sta, third):
            modem.serial.quiet()

    @each_dialect(CLASSIC, ESP_AT)
    def test_back_pressure(self, dialect):
        """The receiver's serial line is not read: the sender waits, and every byte arrives in the end"""
        modems = self.meet(dialect)
        ap, sta = modems["ap"], modems["sta"]
        self.link(modems)
        sta.passthrough()
        data = pattern(300000)
        error = []

        def send():
            try:
                sta.serial.send(data, patience=60)
            except AssertionError as failure:
                error.append(failure)

        writer = threading.Thread(target=send, daemon=True)
        writer.start()
        writer.join(1.0)
        self.assertTrue(writer.is_alive())  # 300 KB fit nowhere between
        got = b""
        while len(got) < len(data):
            link, piece = ap.next_frame()
            self.assertEqual(link, 0)
            got += piece
        writer.join(PATIENCE)
        self.assertEqual((error, got), ([], data))

    def test_on_one_access_point(self):
        """Two modems joined to the same access point reach each other by their leases, and this computer too"""
        modems = Modems(one=None, two=f"dialect=esp-at-2.3,{ANYWHERE}")
        self.addCleanup(modems.close)
        one, two = modems["one"], modems["two"]
        for modem in (one, two):
            join(modem, "password", to="lab")
        two.at("AT+CIPMUX=1")
        two.at("AT+CIPSERVER=1,80")
        one.connect("TCP", 80, host="10.0.2.16")
        two.serial.expect(b"0,CONNECT\r\n")
        peer = self.wire(client(modems.published(80)))
        two.serial.expect(b"1,CONNECT\r\n")
        two.serial.send(b"AT+CIPSTATUS\r\n")
        status = two.serial.until(OK)
        self.assertRegex(status, rb'\+CIPSTATUS:0,"TCP","10\.0\.2\.15",\d+,80,1\r\n')
        self.assertRegex(status, rb'\+CIPSTATUS:1,"TCP","10\.0\.2\.2",\d+,80,1\r\n')
        one.send(b"hello")
        two.expect_data(b"hello", 0)
        peer.sendall(b"world")
        two.expect_data(b"world", 1)
        if common.CLASSIC == one.dialect:
            one.at('AT+PING="10.0.2.16"', b"+0\r\n" + OK)
        one.at("AT+CWQAP", OK + b"CLOSED\r\nWIFI DISCONNECT\r\n")
        two.serial.quiet()  # nobody told it
        join(one, "password", to="lab")
        two.at("AT+CIPSEND=0,5", two.prompt())
        two.serial.send(b"still")  # the other one is back, and does not know this link
        self.assertIn(b"0,CLOSED\r\n", two.serial.until(b"0,CLOSED\r\n"))

    @each_dialect(NONOS, ESP_AT)
    def test_keepalive(self, dialect):
        """The other modem is gone without a word: keepalive ends the link, and nothing does where there is none"""
        modems = Modems(dialect=dialect, one=None, two=ANYWHERE, third=None)
        self.addCleanup(modems.close)
        for name in ("one", "two", "third"):
            join(modems[name], "password", to="lab")
        modems["two"].at("AT+CIPMUX=1")
        modems["two"].at("AT+CIPSERVER=1,80")
        for link, (name, keepalive) in enumerate((("one", ",1"), ("third", ""))):
            modems[name].connect("TCP", 80, rest=keepalive, host="10.0.2.16")
            modems["two"].serial.expect(b"%d,CONNECT\r\n" % link)
        modems["two"].serial.send(b"AT+CWQAP\r\n")
        modems["two"].serial.until(b"WIFI DISCONNECT\r\n")
        modems["one"].serial.expect(b"CLOSED\r\n")
        modems.wait_log(r"^one: closed: link 0, the peer is silent")
        modems["third"].serial.quiet()

    def test_pins_of_all(self):
        """What the world file says of pins is so for each modem"""
        world = self.write("at 100ms reset-pin")
        with common.Process(f"--world={world}", "--modem=a,pty", "--modem=b,pty,dialect=esp-at-2.3") as modems:
            for name in ("a", "b"):
                modems.wait_log(rf"^{name}: reset: by the reset pin$")

    def test_on_the_network_of_nothing(self):
        """--net=none: the modems reach each other, and nobody else anybody"""
        modems = self.meet(NONOS, "--net=none")
        self.link(modems)
        self.both_ways(modems)


class Publishing(Case):
    def test_the_same_port_twice(self):
        """Two servers on one port: the second one is found at another place, which the log names; a key chooses"""
        with listener() as place:
            number = port_of(place)
        modems = Modems(one="dialect=nonos-1.7.6", two=None, three=f"publish=0:{number}")
        self.addCleanup(modems.close)
        places = {}
        for name in ("one", "two", "three"):
            modem = modems[name]
            join(modem, "password", to="lab")
            modem.at("AT+CIPMUX=1")
            modem.at(f"AT+CIPSERVER=1,{number}")
            line = modems.wait_log(rf"^{name}: listening: port {number} is at")
            places[name] = int(re.search(r"is at 127\.0\.0\.1:(\d+)", line).group(1))
            self.assertEqual("taken by modem one" in line, name == "two", line)
        self.assertEqual(len(set(places.values())), 3)
        for name, port in places.items():
            peer = self.wire(client(("127.0.0.1", port)))
            modems[name].serial.expect(b"0,CONNECT\r\n")
            peer.sendall(name.encode())
            modems[name].expect_data(name.encode(), 0)
            modems[name].send(b"I am " + name.encode(), 0)
            self.assertEqual(receive(peer, 5 + len(name)), b"I am " + name.encode())


class Options(Case):
    def test_own_and_common(self):
        """Options outside are for all, keys go before; each modem has its own MAC, flash, log lines and trace records"""
        with Modems("--timing=real", "--timing=boot=20", "--timing=command=0", "--trace={folder}/trace",
                    a="flash={folder}/a.flash", b="dialect=esp-at-2.3,flash={folder}/b.flash,timing=fast",
                    c="mac=5c:cf:7f:00:00:aa") as modems:
            for name, word in (("a", b"AT version:1.7.6"), ("b", b"AT version:2.3"), ("c", b"AT version:1.7.6")):
                modems[name].serial.send(b"AT+GMR\r\n")
                self.assertIn(word, modems[name].serial.until(OK))
            for name, mac in (("a", "01"), ("b", "02"), ("c", "aa")):
                modems[name].at("AT+CWMODE=3")
                modems[name].at("AT+CIPSTAMAC?", f'+CIPSTAMAC:"5c:cf:7f:00:00:{mac}"\r\n'.encode() + OK)
            folder = pathlib.Path(modems.folder.name)
            self.assertTrue((folder / "a.flash").exists() and (folder / "b.flash").exists())
            modems["b"].refused("AT+CIPSEND=5")
            modems.wait_log(r"^b: note: ")
            records = [json.loads(line) for line in (folder / "trace").read_text().splitlines()]
            self.assertLessEqual({(0, "a"), (1, "b"), (2, "c")}, {(r["modem"], r["name"]) for r in records})

    def test_what_is_wrong(self):
        """A wrong --modem is named, with what is wrong; exit status 2"""
        for arguments, complaint in (
                (("--modem=a,pty=/tmp/x", "--modem=a,pty=/tmp/y"), "--modem=a,pty=/tmp/y: modem a has that name already"),
                (("--modem=a,pty=/tmp/x", "--modem=b,pty=/tmp/x"),
                 "--modem=b,pty=/tmp/x: modem a has that serial line already"),
                (("--modem=a,tcp=2323", "--modem=b,rfc2217=127.0.0.1:2323"),
                 "--modem=b,rfc2217=127.0.0.1:2323: modem a has that serial line already"),
                (("--modem=a", "--modem=b"), "--modem=b: modem a has that terminal (stdin and stdout) already"),
                (("--modem=a,tcp=0,flash=f", "--modem=b,tcp=0,flash=f"),
                 "--modem=b,tcp=0,flash=f: modem a has that flash file already"),
                (("--modem=a,tcp=0,mac=5c:cf:7f:00:00:02", "--modem=b,tcp=0"),
                 "--modem=b,tcp=0: modem a has that MAC address already"),
                (("--modem=a,tcp=0,publish=9000:80", "--modem=b,tcp=0,publish=9000:81"),
                 "--modem=b,tcp=0,publish=9000:81: modem a has that published port already"),
                (("--modem=a,speed=3",), '--modem=a,speed=3: "speed" is no key of a modem; see cipmux help modems'),
                (("--modem=a,trace=x",), '--modem=a,trace=x: "trace" is no key of a modem; see cipmux help modems'),
                (("--modem=a,tcp=x:y:z",), "--modem=a,tcp=x:y:z: --tcp=x:y:z: it is [HOST:]PORT, HOST an address"),
                (("--modem=a,tcp",), "--modem=a,tcp: --tcp needs its argument: --tcp=[HOST:]PORT"),
                (("--modem=a b",), "--modem=a b: a modem's name is up to 15 letters, digits, '-' and '_'"),
                (("--modem=,pty",), "--modem=,pty: a modem's name is up to 15 letters, digits, '-' and '_'"),
                (("--pty", "--modem=a"), "a serial line is of one modem: write it as a key, --modem=NAME,KEY=VALUE"),
                (("--flash=f", "--modem=a"), "--flash is of one modem: write it as a key, --modem=NAME,KEY=VALUE"),
                (("run", "--modem=a", "--", "true"), "cipmux run has one modem, not --modem"),
                (tuple(f"--modem=m{i},pty" for i in range(9)), "--modem=m8,pty: there can be 8 modems"),
        ):
            with self.subTest(arguments):
                done = self.cipmux(*arguments)
                self.assertEqual((done.returncode, done.stderr.decode()), (2, f"cipmux: {complaint}\n"))

    def test_one_on_the_terminal(self):
        """A modem without a key for its serial line has stdin and stdout; its end is the program's"""
        done = self.cipmux("--modem=me", "--modem=other,pty", "--quiet")
        self.assertEqual((done.returncode, done.stdout), (0, b"\r\nready\r\nAT\r\r\n\r\nOK\r\n"))

    def test_the_help_is_true(self):
        """cipmux help modems: the example works as it stands there"""
        text = self.cipmux("help", "modems").stdout.decode()
        lines = {name: re.findall(r"AT\+\S+", part) for name, part in
                 (("ap", text.split("at /tmp/ap")[1].split("at /tmp/sta")[0]), ("sta", text.split("at /tmp/sta")[1]))}
        self.assertEqual([len(part) for part in lines.values()], [4, 3])
        with Modems("--strict", ap=ANYWHERE, sta=None) as modems:
            for name, commands in lines.items():
                for line in commands:
                    modems[name].serial.send(line.encode() + b"\r\n")
                    modems[name].serial.until(OK)
            station_came(modems["ap"])
            modems["ap"].serial.expect(b"0,CONNECT\r\n")


if __name__ == "__main__":
    main()
