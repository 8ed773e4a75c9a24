"""The demonstration: Chromium loads a page from a simulated ATmega328P in both modes. The figures agree with the modem's
trace, the picture shows them, nothing is left behind."""
import http.client
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ElementTree

import modem as e2e
from modem import PATIENCE, Case, main

TREE = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 240  # seconds for one demonstration
LINKS = 5
FILES = ("style.css", "script.js", "chip.svg", "wave.png")
PARTS = 2 + len(FILES)  # the page itself and what its script fetches
PNG = b"\x89PNG\r\n\x1a\n"


class Demo(Case):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="cipmux-e2e-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = dict(os.environ, TMPDIR=folder.name)  # so that each process has the folder's name
        firmware = self.folder / "firmware"
        subprocess.run(["make", "-s", "-C", TREE / "examples" / "firmware", f"BUILD={firmware}", "webserver",
                        "webserver-single"], check=True, timeout=LIMIT)
        self.demo = [TREE / "tools" / "demo", e2e.PROGRAM, firmware, f"--out={self.folder}"]

    def nothing_is_left(self):
        deadline = time.monotonic() + PATIENCE
        while (left := self.processes()) and time.monotonic() < deadline:
            pass
        self.assertEqual(left, [], "processes are left")
        self.assertEqual(list(self.folder.glob("cipmux-browser-*")), [])

    def processes(self):
        """Those whose arguments name the test's folder."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                arguments = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(self.folder) in arguments:
                found.append(arguments)
        return found

    def test_both_modes(self):
        """Single mode refuses and the page is complete late; multiple mode uses several links at once"""
        run = subprocess.run([*self.demo, "--once"], capture_output=True, text=True, timeout=LIMIT, env=self.environment)
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        self.nothing_is_left()
        figures = json.loads((self.folder / "figures.json").read_text())
        for mode, counted in figures.items():
            with self.subTest(mode):
                self.check(mode, counted)
        single, multiple = figures["single"], figures["multiple"]
        self.assertEqual(single["links"], 1)
        self.assertGreater(single["refused"], 0)
        self.assertGreater(single["failed"], 0)
        self.assertGreater(single["reloads"], 0)
        self.assertLess(single["first_try"], PARTS)
        self.assertGreaterEqual(multiple["links"], 2)
        self.assertEqual(multiple["refused"], 0)
        self.assertLess(multiple["seconds"], single["seconds"])
        self.check_picture(figures)

    def check(self, mode, counted):
        """The page is complete, and the figures are those of the trace."""
        trace, record = records(self.folder / f"{mode}.jsonl"), json.loads((self.folder / f"{mode}.json").read_text())
        refused = [line for line in trace if line["event"] == "refused" and "peer" in line]
        self.assertEqual((record["missing"], record["value"]), ([], "2.50"))
        self.assertTrue((self.folder / f"{mode}.png").read_bytes().startswith(PNG))
        self.assertEqual(counted["parts"], PARTS)
        self.assertEqual(counted["refused"], len(refused))
        self.assertEqual(counted["accepted"], sum(line["event"] == "accept" for line in trace))
        self.assertEqual(counted["links"], most_at_once(trace))
        self.assertLessEqual(counted["links"], LINKS)
        ports = {int(line["peer"].split(":")[1]) for line in trace if line["event"] == "accept"}
        known = {one["port"]: one["paths"] for one in record["connections"]}
        self.assertLessEqual(ports, known.keys())  # the browser knows each connection that was served
        served = {path for port in ports for path in known[port]}
        self.assertLessEqual({"/", "/value.json", *(f"/{name}" for name in FILES)}, served)

    def check_picture(self, figures):
        root = ElementTree.parse(self.folder / "waterfall.svg").getroot()
        self.assertTrue(root.tag.endswith("svg"))
        words = ["".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text")]
        for counted in figures.values():
            begin = f"{counted['accepted']} connections served, at most {counted['links']} at once; {counted['refused']} refused"
            self.assertTrue(any(word.startswith(begin) for word in words), (begin, words))
        for name in FILES:
            self.assertGreaterEqual(words.count(name), len(figures))

    def test_two_clients_hold_links(self):
        """Two clients hold links of five while the browser loads: the page is complete, then they are served too"""
        lab = subprocess.Popen([e2e.PROGRAM, "lab", "--publish=127.0.0.1:0:80", "--adc=0=512",
                                f"--trace={self.folder}/held.jsonl", self.folder / "firmware" / "webserver.elf"],
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lab.stderr.close)
        self.addCleanup(lab.wait)
        self.addCleanup(lab.terminate)
        place = read_until(self, lab.stderr, r"port 80 is at ([\d.]+):(\d+)\n")
        address = place[1], int(place[2])
        clients = [self.wire(socket.create_connection(address, PATIENCE)) for _ in range(2)]
        for client in clients:
            client.settimeout(PATIENCE)
            client.sendall(b"GET /wave.png HTTP/1.0\r\n")
        run = subprocess.run(["node", TREE / "tests" / "browser" / "load.js", f"http://{place[1]}:{place[2]}/",
                              self.folder / "held"], capture_output=True, text=True, timeout=LIMIT, env=self.environment)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        wanted = (TREE / "examples" / "firmware" / "www" / "wave.png").read_bytes()
        for client in clients:
            client.sendall(b"\r\n")
            with http.client.HTTPResponse(client) as answer:
                answer.begin()
                self.assertEqual(answer.read(), wanted)
        lab.terminate()
        self.assertEqual(lab.wait(PATIENCE), 128 + signal.SIGTERM)
        trace = records(self.folder / "held.jsonl")
        held = [line["link"] for line in trace if line["event"] == "accept"][:2]
        self.assertEqual(held, [0, 1])
        others = {line["link"] for line in trace if line["event"] == "accept"} - set(held)
        self.assertGreaterEqual(len(others), 2, "the browser used one link only")
        self.assertEqual(json.loads((self.folder / "held.json").read_text())["value"], "2.50")
        self.nothing_is_left()

    def test_it_runs_on_until_it_is_told(self):
        """Without --once both pages stay until Ctrl-C; a SIGTERM while the browser loads ends all as well"""
        for told, number, status in (("Ctrl-C ends", signal.SIGINT, 130), ("multiple|Multiple", signal.SIGTERM, 143)):
            demo = subprocess.Popen(self.demo, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, text=True, env=self.environment)
            self.addCleanup(demo.stdout.close)
            self.addCleanup(demo.wait)
            self.addCleanup(demo.terminate)
            read_until(self, demo.stdout, told)
            demo.send_signal(number)
            self.assertEqual(demo.wait(PATIENCE), status)
            self.nothing_is_left()


def read_until(case, stream, pattern):
    """Reads a process's output until it has the pattern."""
    text, deadline = "", time.monotonic() + LIMIT
    while not (found := re.search(pattern, text)):
        if not select.select([stream], [], [], max(deadline - time.monotonic(), 0))[0]:
            case.fail(f"waited for {pattern}: {text}")
        piece = os.read(stream.fileno(), 65536).decode()
        case.assertTrue(piece, f"ended before {pattern}: {text}")
        text += piece
    return found


def records(trace):
    return [json.loads(line) for line in trace.read_text().splitlines()]


def most_at_once(trace):
    links, most = set(), 0
    for record in trace:
        if record["event"] == "accept":
            links.add(record["link"])
        elif record["event"] == "closed":
            links.discard(record["link"])
        most = max(most, len(links))
    return most


if __name__ == "__main__":
    main()
