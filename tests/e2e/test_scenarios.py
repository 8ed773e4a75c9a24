"""The fault files that are built in: each shows its symptom over real sockets, and the log names the fault."""
import pathlib
import re
import subprocess

from modem import (CLASSIC, ESP_AT, HERE, NONOS, OK, PATIENCE, Case, Modem, accept, client, listener, main,
                   port_of)
import modem as common

FILES = sorted(path.stem for path in (pathlib.Path(__file__).parents[2] / "examples/scenarios").glob("*.txt"))
RECV = b"\r\nRecv 5 bytes\r\n"
SENT = b"\r\nSEND OK\r\n"
BUSY = b"\r\nbusy p...\r\n"
GONE = b"link is not valid\r\n\r\nERROR\r\n"
SEND = b"AT+CIPSEND=0,5\r\n"
PROMPT = b"\r\nOK\r\n> "
HELLO = b"\r\n+IPD,0,5:hello"
DIAL = f'AT+CIPSTART=0,"TCP","{HERE}",PORT\r\n'.encode()
SSL = DIAL.replace(b"TCP", b"SSL")
AGAIN = b"WIFI CONNECTED\r\nWIFI GOT IP\r\n"
SHOT = b"AT+CIPCLOSE=0\r\n"

# The name, what is there before, what is done, and what the log names. What is there: "link", link 0 to a peer;
# "single", the same without ids; "server"; "both"; "multiple", AT+CIPMUX=1 alone; "apart", not joined. What is done:
# b"..." is typed, the "peer" says hello, a "client" connects, the first one "leaves", the modem dials "again"; then what
# is printed at once. "got" is what the peer must get, "log" what is waited for there.
SCENARIOS = {
    "busy": ("apart", [(b"AT+CWMODE=1\r\n", OK), (b'AT+CWJAP="lab","password"\r\n', b""), (b"AT\r\n", BUSY)],
             'ap ssid="lab"'),
    "busy-connect": ("multiple", [(DIAL, b""), (b"AT\r\n", BUSY)], "late on demand"),
    "busy-sending": ("link", [(SEND, PROMPT), (b"hello", RECV), (b"AT\r\n", b"\r\nbusy s...\r\n" + SENT)],
                     "link 0 resumes"),
    "clients-vanish": ("server", [("client", b"%d,CONNECT\r\n" % i) for i in range(5)], "link 4 vanishes"),
    "closed-after-prompt": ("link", [(SEND, PROMPT + b"0,CLOSED\r\n")], "link 0 resets"),
    "closed-before-prompt": ("link", [(SEND, b"0,CLOSED\r\n" + GONE)], "link 0 resets"),
    "closed-behind-data": ("link", [("peer", HELLO + b"0,CLOSED\r\n")], "link 0 closes"),
    "closed-behind-send-ok": ("link", [(SEND, PROMPT), (b"hello", RECV + SENT + b"0,CLOSED\r\n")], "link 0 closes"),
    "closed-in-passthrough": ("single", [(b"AT+CIPMODE=1\r\n", OK), (b"AT+CIPSEND\r\n", b"\r\nOK\r\n\r\n>"),
                                         ("again", b"")], "link 0 closes"),
    "connect-in-command": ("both", [(b"ATE1\r\n", OK), ("client", b""),
                                    (SEND, b"AT+CIPSEND=1,CONNECT\r\n0,5\r\r\n" + PROMPT)], "printed: a text lost"),
    "data-after-closed": ("link", [(b"AT+CIPRECVMODE=1\r\n", OK), ("peer", b"\r\n+IPD,0,5\r\n"),
                                   (b"AT+CIPRECVDATA=0,5\r\n", b"0,CLOSED\r\n\r\n+CIPRECVDATA,5:hello\r\nOK\r\n")],
                          "link 0 resets"),
    "escape-with-line-end": ("single", [(b"AT+CIPMODE=1\r\n", OK), (b"AT+CIPSEND\r\n", b"\r\nOK\r\n\r\n>"),
                                        (b"+++", b""), ("got", b"+++\r\n")], "typed adds"),
    "id-collision": ("server", [(DIAL, b""), ("log", "silent on demand"), ("client", b"0,CONNECT\r\n"), (SEND, BUSY)],
                     "silent on demand"),
    "id-reused": ("server", [("client", b"0,CONNECT\r\n"), ("leaves", b""), ("log", "^closed: link 0"),
                             ("client", b"0,CONNECT\r\n0,CLOSED\r\n")], "printed: a text late"),
    "ipd-before-send-ok": ("link", [("peer", b""), (SEND, PROMPT), (b"hello", RECV + HELLO + SENT)], "link 0 data"),
    "ipd-header-lost": ("link", [("peer", b"0,5:hello")], "printed: a text lost"),
    "ipd-in-command": ("link", [("peer", b""), (SEND, HELLO + PROMPT)], "link 0 data"),
    "payload-short": ("link", [(SEND, PROMPT), (b"hello", b""), (b"AT\r\n", b"\r\nbusy s...\r\n" + RECV + SENT)],
                      "typed: 2 bytes lost"),
    "reset-at-close": ("link", [(SHOT, re.compile(rb"\r\nready\r\n" + AGAIN))], "reset-pin"),
    "reset-in-send": ("link", [(SEND, re.compile(rb"\r\nready\r\n" + AGAIN)), (b"AT\r\n", b"AT\r\r\n" + OK)],
                      "reset-pin"),
    "send-fail-then-ok": ("link", [(SEND, PROMPT), (b"hello", RECV + b"\r\nSEND FAIL\r\n" + SENT)],
                          "printed: a text changed"),
    "send-ok-late": ("link", [(SEND, PROMPT), (b"hello", RECV), (SEND, PROMPT), ("wait", SENT)],
                     "printed: a text late"),
    "send-ok-lost": ("link", [(SEND, PROMPT), (b"hello", RECV), (b"AT\r\n", OK)], "printed: a text lost"),
    "send-ok-twice": ("link", [(SEND, PROMPT), (b"hello", RECV + SENT + SENT)], "printed: a text twice"),
    "ssl-fails": ("multiple", [(SSL, b"\r\nERROR\r\n0,CLOSED\r\n")], "reset on demand"),
    "ssl-resets": ("multiple", [(SSL, re.compile(rb"\r\nready\r\n" + AGAIN))], "reset-pin"),
    "wifi-lost": ("link", [(SEND, re.compile(rb"0,CLOSED\r\nWIFI DISCONNECT\r\n.*" + AGAIN, re.DOTALL))], "kick"),
}


# Those that are random, and what the log says.
RANDOM = {"garbage": "printed: 1 byte flipped", "printed-bytes-lost": "printed: 1 byte lost",
          "typed-bytes-lost": "typed: 1 byte lost"}


def explained(record):
    """The scenarios of which `cipmux explain` sees the signs in a log."""
    done = subprocess.run([common.PROGRAM, "explain", "--json", record], capture_output=True, encoding="ascii",
                          timeout=PATIENCE, check=False)
    return re.findall('"scenario":"([^"]+)"', done.stdout)


def listen(serial):
    """A log of what passes at the host's end of the line from now on: lines of a transcript."""
    lines = ["# dialect: classic", "# start: off"]
    send, read = serial.send, serial._read

    def escape(mark, data):
        lines.append(mark + " " + "".join(f"\\x{byte:02x}" for byte in data))

    def send_and_log(data, **options):
        escape(">", data)
        send(data, **options)

    def read_and_log():
        before = len(serial.waiting)
        read()
        if len(serial.waiting) > before:
            escape("<", serial.waiting[before:])

    serial.send, serial._read = send_and_log, read_and_log
    return lines


class Scenarios(Case):
    def begin(self, modem, there):
        """What is there before the fault."""
        self.target, self.peer, self.clients = self.wire(listener()), None, []
        if there in ("link", "both", "server", "multiple"):
            modem.at("AT+CIPMUX=1")
        if there in ("server", "both"):
            modem.at("AT+CIPSERVER=1,80")
        if there in ("link", "both", "single"):
            modem.connect("TCP", port_of(self.target), None if there == "single" else 0)
            self.peer = self.wire(accept(self.target))

    def act(self, modem, what):
        if isinstance(what, bytes):
            modem.serial.send(what.replace(b"PORT", str(port_of(self.target)).encode()))
        elif what == "peer":
            self.peer.sendall(b"hello")
        elif what == "client":
            self.clients.append(self.wire(client(modem.published(80))))
        elif what == "leaves":
            self.clients[0].close()
        elif what == "again":
            self.wire(accept(self.target))  # it has dialled again, and printed nothing

    def play(self, name):
        there, steps, fault = SCENARIOS[name]
        record = self.write("")
        with Modem(f"--fault={name}", "--seed=1", f"--record={record}", dialect=CLASSIC,
                   join=there != "apart") as modem:
            heard = listen(modem.serial)
            self.begin(modem, there)
            for what, printed in steps:
                if what == "log":
                    modem.wait_log(printed)
                    continue
                if what == "got":
                    self.assertEqual(common.receive(self.peer, len(printed)), printed)
                    continue
                self.act(modem, what)
                if isinstance(printed, re.Pattern):
                    got = b""
                    while not printed.search(got):
                        got += modem.serial.until(b"\n")
                elif printed:
                    modem.serial.expect(printed)
            modem.wait_log(rf"^fault: .*{re.escape(fault)}")
        # a fault of the line shows at one end only: what the modem never got, what the host never got
        self.assertIn(name, explained(record) + explained(self.write("\n".join(heard))))


def add(name):
    def test(self):
        self.play(name)
    test.__doc__ = f"--fault={name} shows its symptom, the log names the fault, and the recording is explained by it"
    setattr(Scenarios, "test_" + name.replace("-", "_"), test)


for each in SCENARIOS:
    add(each)


class All(Case):
    def run_with(self, *options):
        return subprocess.run([common.PROGRAM, "--seed=1", "--linger=100", *options], input="AT+GMR\n" * 20,
                              capture_output=True, encoding="latin-1", timeout=PATIENCE, check=True)

    def test_random(self):
        """Bytes are wrong or lost here and there, and the log names each"""
        right = self.run_with()
        for name, fault in RANDOM.items():
            record = self.write("")
            done = self.run_with(f"--fault={name}", f"--record={record}")
            self.assertIn(name, explained(record) + explained(self.write(done.stdout)))
            self.assertNotEqual(done.stdout, right.stdout, name)
            self.assertRegex(done.stderr, rf"(?m)^fault: {fault}")

    def test_none_is_left_out(self):
        """Each file is played here, and is built in"""
        self.assertEqual(FILES, sorted([*SCENARIOS, *RANDOM]))
        done = subprocess.run([common.PROGRAM, "--fault=list"], capture_output=True, encoding="ascii", timeout=PATIENCE,
                              check=True)
        self.assertEqual(sorted(line.split()[0] for line in done.stdout.splitlines()), FILES)

    def test_dialects(self):
        """Pain 15 is no fault: the same command is answered otherwise by each dialect"""
        answers = {}
        for dialect in (NONOS, ESP_AT):
            with Modem(dialect=dialect) as modem:
                modem.at("AT+CIPMUX=1")
                modem.serial.send(b"AT+CIPSEND=0,5\r\n")
                answers[dialect] = modem.serial.until(b"ERROR\r\n")
        self.assertEqual(answers, {NONOS: GONE, ESP_AT: b"\r\nERROR\r\n"})


if __name__ == "__main__":
    main()
