"""cipmux torture: it finds the planted bugs of a fragile client, each with a file that shows it again, and none of a steady
one. The clients are tests/torture/; what they talk to is here."""
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading

import modem as common
from modem import PATIENCE, Case, main, port_of, listener


def echo(peer):
    with peer:
        try:
            while data := peer.recv(1000):
                peer.sendall(data)
        except OSError:
            pass


def serve(target):
    while True:
        try:
            peer, _ = target.accept()
        except OSError:
            return
        threading.Thread(target=echo, args=(peer,), daemon=True).start()


class Torture(Case):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="cipmux-e2e-")
        self.addCleanup(self.folder.cleanup)
        target = self.wire(listener())
        self.port = str(port_of(target))
        threading.Thread(target=serve, args=(target,), daemon=True).start()

    def program(self, name):
        return str(pathlib.Path(common.PROGRAM).parent / "tests" / name)

    def torture(self, *options, command=()):
        return subprocess.run([common.PROGRAM, "torture", "--jobs=8", f"--out={self.folder.name}/found", *options, "--",
                               *command], capture_output=True, text=True, timeout=6 * PATIENCE)

    def fragile(self, *options):
        return self.torture("--deadline=8", *options, command=[self.program("fragile"), self.port])

    def row(self, done, fault, event):
        """The outcome and the file."""
        found = re.search(rf"^{fault} +{re.escape(event)} +(hang|crash, signal \d+|status \d+) +(\S+)$", done.stdout, re.M)
        self.assertTrue(found, f"no {fault} at {event} in:\n{done.stdout}{done.stderr}")
        return found.groups()

    def test_planted(self):
        """The four planted bugs are found; each file shows its bug again; runs without a finding leave nothing"""
        done = self.fragile("--only=long-line,lost,data,closes")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(self.row(done, "long-line", 'printed "OK" #2')[0], "crash, signal 6")
        self.assertEqual(self.row(done, "data", 'typed "AT+CIPSEND=6" #1')[0], "status 13")
        outcome, again = self.row(done, "closes", 'printed "CONNECT" #1')
        self.assertEqual(outcome, "status 12")
        self.assertEqual(self.row(done, "lost", 'printed "SEND OK" #1')[0], "hang")
        self.assertRegex(done.stdout, r"\d+ runs: \d+ as without a fault, \d+ hangs, \d+ crashes, \d+ other results\n$")
        files = {path.name for path in pathlib.Path(self.folder.name, "found").iterdir()}
        rows = re.findall(r"/(\d+-[a-z-]+)\.txt$", done.stdout, re.M)
        self.assertEqual(files, {f"{row}.{end}" for row in [*rows, "good"] for end in ("txt", "log", "out")})
        text = pathlib.Path(again).read_text()
        self.assertTrue(text.startswith('# printed "CONNECT" #1: link 0 is closed; status 12\n# cipmux run --fault='), text)
        self.assertTrue(text.endswith('\non printed "CONNECT\\r\\n" nth=1 link 0 closes\n'), text)
        replayed = subprocess.run([common.PROGRAM, "run", "--quiet", f"--fault={again}", "--", self.program("fragile"), self.port],
                                  timeout=PATIENCE)
        self.assertEqual(replayed.returncode, 12)

    def test_same_list(self):
        """The same seed gives the same list, whatever runs at a time"""
        runs = [self.fragile("--seed=3", "--only=byte-flipped,data", "--limit=12", f"--jobs={jobs}").stdout
                for jobs in (2, 4)]
        self.assertEqual(runs[0], runs[1])
        self.assertIn("12 runs: ", runs[0])

    def test_steady(self):
        """Nothing is found for a client that has all that the driver knows; each fault came to pass"""
        done = self.torture("--deadline=60", "--limit=40", command=[self.program("steady"), self.port])
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "40 runs: 40 as without a fault, 0 hangs, 0 crashes, 0 other results\n", ""))

    def test_list(self):
        """--list prints the faults; with a command what would be run; nothing but the good run is run"""
        done = subprocess.run([common.PROGRAM, "torture", "--list"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0)
        self.assertIn("closes         link n is closed\n", done.stdout)
        names = [line.split()[0] for line in done.stdout.splitlines()]
        done = self.fragile("--list")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('refused       typed "AT+CIPSTART=', done.stdout)
        planned = {line.split()[0] for line in done.stdout.splitlines()[:-1]}
        self.assertEqual(planned, set(names) - {"connect"})
        self.assertEqual(len(os.listdir(f"{self.folder.name}/found")), 3)

    def test_wrong_use(self):
        """Status 2: no command, a command that fails without a fault, a fault that is unknown, files that all runs would share"""
        for options, command, complaint in (
                ((), (), "which command?"), ((), ("sh", "-c", "exit 7"), "the command ends with status 7, without any fault"),
                (("--only=lost,nonsense",), ("true",), "there is no fault nonsense"), (("--jobs=0",), ("true",), "--jobs=0"),
                (("--deadline=0",), ("true",), "--deadline=0"), (("--limit=x",), ("true",), "--limit=x"),
                (("--log=x",), ("true",), "all runs would write it"), (("--nonsense",), ("true",), "no such option"),
                (("--deadline=0.2",), ("cat", "/dev/ptmx"), "does not end in time")):
            done = self.torture(*options, command=command)
            self.assertEqual(done.returncode, 2, (options, command, done.stderr))
            self.assertIn(complaint, done.stderr)

    def test_interrupted(self):
        """A signal ends it and what it runs"""
        torture = subprocess.Popen([common.PROGRAM, "torture", f"--out={self.folder.name}/found", "--", "sh", "-c",
                                    f"echo $$ >>{self.folder.name}/pids; exec cat"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # stdin of a run is empty: this ends at once, and nothing is typed: there is nothing to be run
        out, error = torture.communicate(timeout=PATIENCE)
        self.assertEqual((torture.returncode, out.decode().splitlines()[-1][:7]), (0, "0 runs:"), error)
        torture = subprocess.Popen([common.PROGRAM, "torture", f"--out={self.folder.name}/found", "--", "sh", "-c",
                                    "echo $$; exec cat /dev/ptmx"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(torture.kill)
        path = pathlib.Path(self.folder.name, "found", "good.out")
        deadline = threading.Event()
        for _ in range(int(PATIENCE * 100)):
            if path.read_text().strip():
                break
            deadline.wait(0.01)
        pid = os.pidfd_open(int(path.read_text()))
        torture.send_signal(signal.SIGTERM)
        self.assertEqual(torture.wait(PATIENCE), 128 + signal.SIGTERM)
        torture.communicate()
        self.assertTrue(common.select.select([pid], [], [], PATIENCE)[0])
        os.close(pid)


if __name__ == "__main__":
    main()
