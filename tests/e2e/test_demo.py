"""The demonstration of both modes: it runs, its figures make sense and agree with the traces, and it leaves nothing
behind."""
import json
import os
import pathlib
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

import modem as e2e
from modem import Case, main

TREE = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 120  # seconds for one demonstration
LINKS = 5


class Demo(Case):
    def play(self, *options):
        """Runs tools/demo. Returns figures and trace records by mode, and the folder."""
        folder = tempfile.TemporaryDirectory(prefix="cipmux-e2e-")
        self.addCleanup(folder.cleanup)
        out = pathlib.Path(folder.name)
        before = children()
        run = subprocess.run([TREE / "tools" / "demo", e2e.PROGRAM, f"--out={out}", *options], capture_output=True,
                             text=True, timeout=LIMIT)
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        self.assertEqual(children(), before, "processes are left")
        self.assertIn("connections rejected", run.stdout)
        figures = json.loads((out / "figures.json").read_text())
        traces = {mode: records(out / f"{mode}.jsonl") for mode in figures}
        return figures, traces, out

    def check(self, figures, traces, requests):
        """What holds for every run: all were served, and the modem counted as the browser did."""
        for mode, counted in figures.items():
            events = [record["event"] for record in traces[mode]]
            refused = [record for record in traces[mode] if record["event"] == "refused" and "peer" in record]
            self.assertEqual(counted["requests"], requests)
            self.assertEqual(events.count("accept"), requests, mode)
            self.assertEqual(len(refused), counted["rejected"], mode)
            self.assertLessEqual(most_at_once(traces[mode]), 1 if mode == "single" else LINKS)

    def test_page_with_five_resources(self):
        """A page and five resources: single mode rejects and completes late, multiple mode serves all at once"""
        figures, traces, out = self.play()
        self.check(figures, traces, 6)
        single, multiple = figures["single"], figures["multiple"]
        self.assertGreater(single["rejected"], 0)
        self.assertGreater(single["most_tries"], 1)
        self.assertLess(single["first_try"], 6)
        self.assertEqual((multiple["rejected"], multiple["first_try"], multiple["most_tries"]), (0, 6, 1))
        self.assertEqual(most_at_once(traces["multiple"]), LINKS)
        self.assertLess(multiple["seconds"], single["seconds"])
        root = ElementTree.parse(out / "timeline.svg").getroot()
        self.assertTrue(root.tag.endswith("svg"))
        shown = "".join(root.itertext())
        self.assertIn(f"6 served, at most 1 at once; {single['rejected']} rejected", shown)
        self.assertIn("6 served, at most 5 at once; 0 rejected", shown)

    def test_more_than_five_at_once(self):
        """Six resources at the same moment: multiple mode rejects too"""
        figures, traces, _ = self.play("--resources=6")
        self.check(figures, traces, 7)
        self.assertGreater(figures["multiple"]["rejected"], 0)


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


def children():
    """Processes that run the program under test."""
    found = set()
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            if os.fsdecode(arguments[0]) == e2e.PROGRAM and b"--publish=127.0.0.1:0:80" in arguments \
                    and b"--timing=command=2" in arguments:
                found.add(entry.name)
        except OSError:
            pass
    return found


if __name__ == "__main__":
    main()
