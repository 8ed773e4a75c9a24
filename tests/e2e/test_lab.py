"""cipmux lab: real AVR firmware in simavr with the modem at its UART. The small programs are in tests/lab/."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

import modem as e2e
from modem import PATIENCE, Case, main

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = {}
FOLDER = tempfile.TemporaryDirectory(prefix="cipmux-lab-")


def build(name, *defines, mcu="atmega328p"):
    """Compiles tests/lab/NAME.c; the path of the .elf."""
    key = (name, defines, mcu)
    if key not in BUILT:
        BUILT[key] = os.path.join(FOLDER.name, f"{len(BUILT)}-{name}.elf")
        subprocess.run(["avr-gcc", f"-mmcu={mcu}", "-DF_CPU=16000000UL", "-Os", "-std=c99", "-Wall", *defines,
                        ROOT / "tests" / "lab" / f"{name}.c", "-o", BUILT[key]], check=True, timeout=PATIENCE)
    return BUILT[key]


def example(name):
    """Builds a program of examples/firmware; the path of its .hex."""
    subprocess.run(["make", "-s", "-C", ROOT / "examples" / "firmware", f"BUILD={FOLDER.name}", name], check=True,
                   timeout=60)
    return os.path.join(FOLDER.name, f"{name}.hex")


def lab(*arguments, **more):
    return subprocess.run([e2e.PROGRAM, "lab", *arguments], capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, **more)


class Lab(Case):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory(prefix="cipmux-lab-")
        self.addCleanup(self.folder.cleanup)

    def path(self, name, text=None):
        path = os.path.join(self.folder.name, name)
        if text is not None:
            pathlib.Path(path).write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def read(self, name):
        return pathlib.Path(self.path(name)).read_text()

    def lab(self, *arguments, status=0):
        """A run as fast as can be, without network; its report."""
        done = lab("--speed=max", "--net=none", f"--report={self.path('report')}", *arguments)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        self.out, self.err = done.stdout, done.stderr.decode()
        return json.loads(self.read("report"))

    # ---- The program ----

    def test_only_the_lab_links_simavr(self):
        for program, links in ((e2e.PROGRAM, False), (os.path.join(os.path.dirname(e2e.PROGRAM), "cipmux-lab"), True)):
            libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
            self.assertEqual("simavr" in libraries, links, libraries)

    def test_help_has_the_modems_options_too(self):
        text = lab("--help").stdout.decode()
        for option in ("--mcu=NAME", "--esp=UART0|RX,TX", "--dialect=NAME", "--net=all|local|none|simulated"):
            self.assertIn(option, text)
        for option in ("--pty", "--rfc2217", "--linger"):
            self.assertNotIn(option, text)
        self.assertEqual(text.count("--net="), 1)

    def test_wrong_options_and_files(self):
        busy, text = build("busy"), self.path("text.elf", "no firmware")
        wrong = self.path("wrong", "adc 0 2000\n")
        for status, arguments in (
                (2, ()), (2, ("--pty", busy)), (2, ("--esp=UART7", busy)), (2, ("--esp=D2,Q3", busy)),
                (2, ("--mcu=atmega9", busy)), (2, ("--frequency=fast", busy)), (2, ("--adc=0", busy)),
                (2, ("--adc=0=1024", busy)), (2, ("--watch=B9", busy)), (2, ("--timeout=x", busy)),
                (2, (busy, busy)), (3, ("/nowhere.elf",)), (3, ("/nowhere.hex",)),
                (3, (text,)), (3, (e2e.PROGRAM,)), (3, (build("busy", mcu="atmega2560"),)),
                (3, ("--mcu=atmega1284p", busy)), (3, (f"--world={wrong}", busy))):
            done = lab(*arguments)
            self.assertEqual(done.returncode, status, (arguments, done.stderr))
            self.assertEqual(len(done.stderr.splitlines()), 1, (arguments, done.stderr))
            self.assertTrue(done.stderr.startswith(b"cipmux lab: "), done.stderr)

    # ---- The page ----

    def test_a_page_from_the_microcontroller(self):
        names = ("index.html", "style.css", "script.js", "chip.svg", "wave.png")
        log = []
        process = subprocess.Popen([e2e.PROGRAM, "lab", "--publish=0:80", "--adc=0=512", example("webserver")],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        guard = threading.Timer(PATIENCE * 3, process.kill)  # a lab that hangs ends the reading
        guard.start()
        self.addCleanup(guard.cancel)
        for line in process.stderr:
            log.append(line)
            place = re.match(r"listening: port 80 is at ([0-9.:]+)$", line)
            if place:
                break
        else:
            self.fail(f"no server: {log}")
        reader = threading.Thread(target=lambda: log.extend(process.stderr))
        reader.start()

        def get(name):
            url = f"http://{place[1]}/{'' if name == 'index.html' else name}"
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return answer.read()

        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            for name, got in zip(names, pool.map(get, names)):
                self.assertEqual(got, (ROOT / "examples" / "firmware" / "www" / name).read_bytes(), name)
        self.assertEqual(json.loads(get("value.json")), {"adc": 512})
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 128 + signal.SIGTERM)
        reader.join(PATIENCE)
        self.assertIn(" 0 lost by overrun, 0 bad", "".join(log))
        links = set(re.findall(r"accept: link (\d)", "".join(log)))
        self.assertGreater(len(links), 1, log)

    # ---- The UART ----

    def test_a_slow_handler_loses_bytes(self):
        # The stall takes 4.6 characters: two are held, the third and fourth are lost. The firmware sees DOR once each time.
        world = self.path("world", "at 990ms pin B0 high driven\npin B1 high driven\npin B2 low driven\n")
        report = self.lab("--timeout=1", f"--trace={self.path('trace')}", f"--world={world}", build("slow"))
        self.assertEqual(report["overruns"], 6)
        lost = [record for record in map(json.loads, self.read("trace").splitlines()) if record["event"] == "overrun"]
        self.assertEqual(len(lost), 6)
        for record in lost:
            self.assertEqual(record["reason"], "uart-overrun")
            self.assertRegex(record["text"], r"^byte \d+ lost at cycle \d+, in __vector_18\+0x")
        self.assertIn("interrupts off for 403.0 us", self.err)
        self.assertIn("from the handler of interrupt 18 on", self.err)

    def test_a_handler_that_is_fast_enough_loses_none(self):
        # 2.2 characters: the third waits in the shift register until the handler is over.
        self.assertEqual(self.lab("--timeout=1", build("slow", "-DSTALL_US=190"))["overruns"], 0)

    def test_characters_take_ten_bits(self):
        self.lab("--mcu=atmega2560", "--esp=UART1", "--until=end", "--timeout=5", build("times", mcu="atmega2560"))
        sent, received = map(int, re.match(rb"sent (\d+) received (\d+)", self.out).groups())
        self.assertAlmostEqual(sent, 10 * 8 * 17, delta=2)
        self.assertAlmostEqual(received, 10 * 16e6 / 115200, delta=2)

    def test_pins_have_bits(self):
        self.lab("--esp=D2,D3", "--until=end", "--timeout=5", build("bits", "-DRATE=115200"))
        self.assertEqual(self.out, b"\r\n\r\nOK\r\nend")
        report = self.lab("--esp=D2,D3", "--until=end", "--timeout=5", build("bits", "-DRATE=57600"))
        self.assertNotIn(b"OK", self.out)
        self.assertGreater(report["bad_bytes"] + report["bytes_to_modem"], 0)

    def test_a_handler_is_entered_in_as_many_cycles_as_in_silicon(self):
        # Beside the sixty: 4 to enter it (5 with a program counter of 22 bits), 3 for the jump, as many to return.
        for mcu, uart, cycles in (("atmega328p", "D2,D3", 11), ("atmega2560", "UART1", 13)):
            self.lab(f"--mcu={mcu}", f"--esp={uart}", "--until=e", "--timeout=5", build("entry", mcu=mcu))
            without, entered = map(int, self.out.split()[:2])
            self.assertEqual(entered - without, cycles, mcu)

    def test_a_wrong_rate_is_told(self):
        self.lab("--timeout=0.5", build("busy", "-DDIVISOR=104"))
        self.assertIn("the program set 19230, the modem runs at 115200 [rate-differs]", self.err)

    # ---- The module's own settings ----

    def test_setup_of_a_module_at_pins(self):
        setup = self.path("setup", "# a slow line\n\nAT+UART_DEF=9600,8,1,0,0\r\n")
        self.lab("--esp=D2,D3", f"--setup={setup}", "--until=end", "--timeout=5", build("bits", "-DRATE=9600"))
        self.assertIn(b"\r\nOK\r\nend", self.out)
        self.lab("--esp=D2,D3", "--until=end", "--timeout=5", build("bits", "-DRATE=9600"))
        self.assertNotIn(b"OK", self.out)

    def test_setup_of_a_module_at_a_uart(self):
        setup = self.path("setup", 'AT+CWMODE=1\nAT+CWJAP_DEF="lab","password"\nAT+UART_DEF=19200,8,1,0,0')
        serial = self.path("serial")
        self.lab(f"--setup={setup}", f"--serial-log={serial}", "--until=WIFI GOT IP", "--timeout=5",
                 build("busy", "-DDIVISOR=104"))
        said = self.read("serial")
        self.assertRegex(said, r"< ready\\r\\n\n[^<]*< WIFI CONNECTED")  # of the second start only
        self.assertNotIn("CWJAP", said)
        self.assertNotIn("rate-differs", self.err)

    def test_setup_that_is_refused(self):
        for text, told in (("AT\nAT+CWJAP=\"lab\",\"wrong-one\"\n", "line 2: the modem refuses it"),
                           ("AT+NONSENSE\n", "line 1: the modem refuses it"), (f"AT+{'X' * 600}\n", "too long")):
            done = lab("--net=none", f"--setup={self.path('setup', text)}", build("busy"))
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(told, done.stderr.decode().splitlines()[-1])
            self.assertNotIn(b"wrong-one", done.stderr)
        self.assertEqual(lab("--setup=/nowhere", build("busy")).returncode, 3)

    # ---- Pins ----

    def test_reset_pin_of_the_module(self):
        self.lab("--reset-pin=B0", "--until=OK", "--timeout=2", f"--serial-log={self.path('serial')}", "--watch=B0",
                 build("module"))
        first = self.read("serial").splitlines()[1]
        self.assertRegex(first, r"^ +0\.110\d+ < ready")  # 60 ms in reset, 50 ms to boot
        self.assertIn("pin: B0 low", self.err)
        self.assertIn("pin: B0 high", self.err)

    def test_cts_pin_of_the_module(self):
        options = ("--mcu=atmega2560", "--esp=UART1", "--until=end", "--timeout=5", build("cts", mcu="atmega2560"))
        self.lab("--cts-pin=B0", *options)
        stopped, whole = map(int, re.match(rb"stopped (\d+) all (\d+)", self.out).groups())
        self.assertLessEqual(stopped, 2)  # what was on the line or in the receiver
        self.lab(*options)
        free, all_free = map(int, re.match(rb"stopped (\d+) all (\d+)", self.out).groups())
        self.assertEqual(whole, all_free)
        self.assertEqual(free, whole - 30)

    def test_the_words_of_the_bench(self):
        world = self.path("world", 'ap ssid="other"\nadc 0 512\npin B1 high\nat 100ms press reset\n'
                                   "at 200ms pin B1 low\nwait 200ms\nend\n")
        wanted = self.path("wanted", b"power 0512 high\r\nbutton 0512 high\r\nwatchdog 0512 low\r\n")
        options = ("--esp=D2,D3", f"--world={world}", f"--expect={wanted}", build("hello"))
        self.lab(*options)
        self.lab("--adc=0=100", *options)  # the words come later
        self.path("wanted", b"power 0512 high\r\nbutton 0513 high\r\n")
        self.lab(*options, status=1)
        self.assertIn("byte 28 is the first", self.err)

    def test_checks_that_fail(self):
        world = self.path("world", "at 10ms pin B5 low driven\n")
        self.lab(f"--world={world}", "--timeout=1", build("hello"), status=1)
        self.assertIn("line 1: column 8: it is high", self.err)

    # ---- The end ----

    def test_until_and_timeout(self):
        self.assertLess(self.lab("--until=ready", "--timeout=5", build("busy"))["seconds"], 0.06)
        self.assertAlmostEqual(self.lab("--until=never", "--timeout=1.5", build("busy"), status=4)["seconds"], 1.5, 3)
        self.lab("--timeout=0.1", build("busy"))

    def test_real_speed(self):
        before = time.monotonic()
        done = lab("--net=none", "--timeout=1", build("hello"))
        self.assertEqual(done.returncode, 0)
        self.assertGreaterEqual(time.monotonic() - before, 0.99)

    def start(self, *arguments):
        """A lab that runs until it is ended; the first line of its log was read."""
        process = subprocess.Popen([e2e.PROGRAM, "lab", "--net=none", *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertRegex(process.stderr.readline(), "^modem: ")
        return process

    def end_by_signal(self, process):
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM, log)

    def test_a_signal_ends_it(self):
        self.end_by_signal(self.start(build("busy")))

    def test_a_crash_is_told(self):
        self.lab("--timeout=1", build("wild"), status=1)
        self.assertRegex(self.err, r"(?m)^simavr: Invalid write address [^\033]* out of ram$")
        self.assertRegex(self.err, r"(?m)^cipmux lab: the firmware crashed, in main\+0x\w+ \(0x\w+\)$")

    # ---- For the desk ----

    def test_waveforms(self):
        self.lab("--timeout=0.1", f"--vcd={self.path('vcd')}", build("busy"))
        text = self.read("vcd")
        self.assertIn("$var wire 8 ! from_modem $end", text)
        self.assertRegex(text, r"\n#\d+\nb01110010 !\n")  # the r of ready

    def test_gdb(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = subprocess.Popen([e2e.PROGRAM, "lab", f"--gdb={port}", "--net=none", "--timeout=0.2", build("busy")],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                gdb = socket.create_connection(("127.0.0.1", port), PATIENCE)
                break
            except ConnectionRefusedError:
                self.assertLess(time.monotonic(), deadline)
                self.assertIsNone(process.poll())
        with gdb:
            gdb.sendall(b"$?#3f")
            got = b""
            while b"#" not in got:
                got += gdb.recv(100)
            self.assertRegex(got, rb"^\+\$[ST]")
            self.assertIsNone(process.poll())
            gdb.sendall(b"+$c#63")
            self.assertEqual(process.wait(PATIENCE), 0)

    def test_gdb_is_for_this_computer_only(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = lab(f"--gdb={port}", "--net=none", build("busy"))
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("Address already in use", done.stderr.decode())
        process = self.start(f"--gdb={port}", build("busy"))
        listening = "0A"
        sockets = [line.split() for line in pathlib.Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()]
        places = [line[1] for line in sockets if line[3] == listening and line[1].endswith(f":{port:04X}")]
        self.assertEqual(places, [f"0100007F:{port:04X}"])
        self.end_by_signal(process)  # it waits for gdb

    # ---- Determinism ----

    def test_the_same_seed_gives_the_same_run(self):
        world = self.path("world", """ap ssid="lab" password="password"
within 10s listening 80
client one to 80
within 1s one connected
one sends "GET /wave.png HTTP/1.1\\r\\n\\r\\n"
client two to 80
within 1s two connected
two sends "GET /value.json HTTP/1.1\\r\\n\\r\\n"
wait 1s
one closes
wait 100ms
two closes
press reset
within 5s not-listening 80
within 10s listening 80
end
""")
        firmware = example("webserver")

        def run(number, seed):
            trace, serial = self.path(f"trace{number}"), self.path(f"serial{number}")
            done = lab("--quiet", "--speed=max", "--net=simulated", f"--seed={seed}", f"--world={world}",
                       f"--trace={trace}", f"--serial-log={serial}", firmware)
            self.assertEqual(done.returncode, 0, done.stderr)
            return hashlib.sha256(pathlib.Path(trace).read_bytes() + pathlib.Path(serial).read_bytes()).hexdigest()

        self.assertEqual(len({run(i, 7) for i in range(20)}), 1)
        self.assertEqual(len({run(i, i) for i in range(4)}), 4)


if __name__ == "__main__":
    main()
