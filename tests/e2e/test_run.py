"""cipmux run: a command with a modem of its own, and the recipes of docs/CI.md."""
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile

import modem as e2e
from modem import PATIENCE, Case, main

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "ci"

# A client of the modem: says each argument, prints what is answered. As `python3 -c CLIENT ...`.
CLIENT = r"""
import os, socket, sys
where = sys.argv[1]
if where == "tty":
    fd = os.open(os.environ["CIPMUX_TTY"], os.O_RDWR | os.O_NOCTTY)
else:
    host, port = os.environ["CIPMUX_TCP"].split(":")
    line = socket.create_connection((host, int(port)))
    fd = line.fileno()
for command in sys.argv[2:]:
    os.write(fd, command.encode() + b"\r\n")
    data = b""
    while not data.endswith((b"OK\r\n", b"ERROR\r\n")):
        piece = os.read(fd, 1)
        assert piece, "the modem is gone"
        data += piece
    sys.stdout.buffer.write(data)
"""
JOIN = ("AT+CWMODE=1", 'AT+CWJAP="lab","password"')


def client(where, *commands):
    return [sys.executable, "-c", CLIENT, where, *commands]


def start(*command, options=(), **more):
    return subprocess.Popen([e2e.PROGRAM, "run", *options, "--", *command], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **more)


class Run(Case):
    def run_it(self, *command, options=("--quiet",), **more):
        return subprocess.run([e2e.PROGRAM, "run", *options, "--", *command], capture_output=True, timeout=PATIENCE,
                              **more)

    def wait_gone(self, *pids):
        for pid in pids:
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            ended = select.select([fd], [], [], PATIENCE)[0]
            os.close(fd)
            self.assertTrue(ended, f"process {pid} is still there")

    def test_status(self):
        """run: the command's status; 128 + n for a signal; 127 not found, 126 not executable; 2 for wrong usage"""
        self.assertEqual(self.run_it("true").returncode, 0)
        self.assertEqual(self.run_it("sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(self.run_it("sh", "-c", "kill -9 $$").returncode, 137)
        self.assertEqual(self.run_it("sh", "-c", "kill -TERM $$").returncode, 143)
        missing = self.run_it("no-such-command")
        self.assertEqual(missing.returncode, 127)
        self.assertEqual(missing.stderr, b"cipmux run: no-such-command: No such file or directory\n")
        self.assertEqual(self.run_it("/").returncode, 126)
        for wrong in (["run"], ["run", "true"], ["run", "--"], ["run", "--pty", "--", "true"],
                      ["run", "--fail-on=nothing", "--", "true"], ["--fail-on=loss"]):
            done = subprocess.run([e2e.PROGRAM, *wrong], capture_output=True, stdin=subprocess.DEVNULL,
                                  timeout=PATIENCE)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertEqual(done.stdout, b"")

    def test_inherits(self):
        """run: stdin, stdout, stderr, arguments, directory and process group are the command's own"""
        with tempfile.TemporaryDirectory() as folder:
            script = 'cat; echo "$1|$2|$(pwd)"; echo complaint >&2; ps -o pgid= -p $$ | tr -d " "; ps -o pgid= -p $PPID'
            done = self.run_it("sh", "-c", script, "sh", "a b", "--", input=b"from stdin\n", cwd=folder)
            lines = done.stdout.decode().split("\n")
            self.assertEqual(lines[:2], ["from stdin", f"a b|--|{folder}"])
            self.assertEqual(lines[2].strip(), lines[3].strip())
            self.assertEqual(done.stderr, b"complaint\n")

    def test_both_ends(self):
        """run: the modem answers on CIPMUX_TTY and on CIPMUX_TCP; it is ready before the command starts"""
        for where in ("tty", "tcp"):
            done = self.run_it(*client(where, "ATE0", *JOIN), options=("--quiet", "--fail-on=loss,refusal"))
            self.assertEqual(done.stderr, b"")
            self.assertEqual(done.returncode, 0)
            self.assertTrue(done.stdout.endswith(b"WIFI GOT IP\r\n\r\nOK\r\n"), done.stdout)

    def test_first_come(self):
        """run: while one of the two ends is in use the other is turned away; afterwards it is free"""
        script = CLIENT.replace("import os", "import os, subprocess") + r"""
if where == "tty":
    other = subprocess.run([sys.executable, "-c", SELF, "tcp", "AT"], stderr=subprocess.DEVNULL)
    assert other.returncode != 0
    os.close(fd)
    while subprocess.run([sys.executable, "-c", SELF, "tcp", "AT"], stderr=subprocess.DEVNULL).returncode:
        pass
"""
        script = f"SELF = {CLIENT!r}\n" + script
        done = self.run_it(sys.executable, "-c", script, "tty", "AT", options=())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"[second-on-port]", done.stderr)

    def test_fail_on(self):
        """run --fail-on: what hardware refuses or loses makes 1 of 0, with one line that names it"""
        server = (*JOIN, "AT+CIPSERVER=1,80")
        cases = (
            ("refusal", client("tty", "AT+NONSENSE"), b"refusal unknown-command (1)"),
            ("refusal", client("tty", *JOIN, "AT+CIPSEND=5", "AT+CIPSEND=5"), b"refusal link-not-open (2)"),
            ("refusal", client("tty", "AT+CIPMUX=1", "AT+CIPSERVER=1,80"), b"refusal server-without-wifi (1)"),
            ("classic", client("tty", *server), b"classic single-server (1)"),
            ("loss", client("tty", "AT+NONSENSE"), None),
            ("refusal,loss", client("tty", *server), None),
            ("refusal,loss,classic", client("tty", *JOIN, "AT+CIPMUX=1", "AT+CIPSERVER=1,80"), None),
        )
        for fail_on, command, named in cases:
            done = self.run_it(*command, options=("--quiet", f"--fail-on={fail_on}"))
            self.assertEqual(done.returncode, 1 if named else 0, (fail_on, command, done.stderr))
            expected = b"cipmux run: the command succeeded, but: " + named + b"\n" if named else b""
            self.assertEqual(done.stderr, expected)
        failed = self.run_it("sh", "-c", 'printf "AT+X\\r\\n" >"$CIPMUX_TTY"; exit 3',
                             options=("--quiet", "--fail-on=refusal"))
        self.assertEqual((failed.returncode, failed.stderr), (3, b""))

    def test_last_words(self):
        """run --fail-on: what the command wrote just before its end counts"""
        for _ in range(20):
            done = self.run_it("sh", "-c", 'printf "AT+X\\r\\n" >"$CIPMUX_TTY"',
                               options=("--quiet", "--fail-on=refusal"))
            self.assertEqual(done.returncode, 1)

    def test_loss(self):
        """run --fail-on=loss: bytes that the modem does not take while it starts"""
        script = 'exec 3<>"$CIPMUX_TTY"; printf "AT\\r\\n" >&3; head -c 9 <&3 >/dev/null'
        done = self.run_it("sh", "-c", script,
                           options=("--quiet", "--boot=open", "--timing=boot=300", "--fail-on=loss"))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr,
                         b"cipmux run: the command succeeded, but: loss bytes while the modem was off (4)\n")

    def test_log(self):
        """run --log: the log is in the file, and not among the command's output"""
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "log")
            done = self.run_it(*client("tty", "AT+X"), options=(f"--log={log}",))
            self.assertEqual(done.stderr, b"")
            text = pathlib.Path(log).read_text()
        self.assertTrue(text.startswith("modem: classic, this program is the modem on /dev/pts/"), text)
        self.assertIn("[unknown-command]", text)

    def test_flood(self):
        """run: the same refusal a hundred times is ten lines and a number on the log; the trace has each"""
        script = 'exec 3<>"$CIPMUX_TTY"; for i in $(seq 100); do printf "AT+X\\r\\n" >&3; done; timeout 20 head -n 1'
        with tempfile.TemporaryDirectory() as folder:
            trace = os.path.join(folder, "trace")
            run = start("sh", "-c", script, options=(f"--trace={trace}",), stdin=subprocess.PIPE)
            self.addCleanup(run.kill)
            lines = [run.stderr.readline()]
            while lines[-1] and b"more in the last second [unknown-command]" not in lines[-1]:
                lines.append(run.stderr.readline())
            self.assertTrue(lines[-1], lines)
            run.communicate(b"\n", timeout=PATIENCE)
            traced = pathlib.Path(trace).read_text()
        self.assertEqual(traced.count('"reason":"unknown-command"'), 100)
        self.assertLess(len(lines), 50)

    def test_server_address(self):
        """run: the modem's servers are at CIPMUX_HOST"""
        script = CLIENT + r"""
peer = socket.create_connection((os.environ["CIPMUX_HOST"], 8080))
data = b""
while not data.endswith(b"0,CONNECT\r\n"):
    data += os.read(fd, 1)
"""
        done = self.run_it(sys.executable, "-c", script, "tty", *JOIN, "AT+CIPMUX=1", "AT+CIPSERVER=1,80")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_fifty(self):
        """run: 50 at once, each with a server on port 80 and a UDP link on port 5000, do not disturb each other"""
        command = client("tty", *JOIN, "AT+CIPMUX=1", "AT+CIPSERVER=1,80", 'AT+CIPSTART=4,"UDP","10.0.2.2",9,5000')
        runs = [start(*command, options=("--fail-on=refusal,loss,classic", "--quiet")) for _ in range(50)]
        for run in runs:
            output, complaint = run.communicate(timeout=3 * PATIENCE)
            self.assertEqual((run.returncode, complaint), (0, b""), output)

    def started(self, script):
        """A run whose command has printed process ids: the run and those ids."""
        run = start("sh", "-c", script, options=("--quiet",))
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        return run, [int(word) for word in run.stdout.readline().split()]

    def test_signals(self):
        """run: a signal to cipmux run is the command's; its answer is the status"""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
            script = f"trap 'exit {number + 50}' {number}; echo $$; while :; do read line; done"
            run = start("sh", "-c", script, options=("--quiet",), stdin=subprocess.PIPE)
            run.stdout.readline()
            run.send_signal(number)
            run.communicate(b"\n", timeout=PATIENCE)
            self.assertEqual(run.returncode, number + 50)

    def test_command_killed(self):
        """run: the command is killed: cipmux ends, and what the command had started"""
        run, pids = self.started("sleep 600 & echo $$ $!; wait")
        os.kill(pids[0], signal.SIGKILL)
        self.assertEqual(run.wait(PATIENCE), 128 + signal.SIGKILL)
        self.wait_gone(*pids)

    def test_terminated(self):
        """run: cipmux is terminated: the command and what it had started end too"""
        run, pids = self.started("sleep 600 & echo $$ $!; wait")
        run.terminate()
        self.assertEqual(run.wait(PATIENCE), 128 + signal.SIGTERM)
        self.wait_gone(*pids)

    def test_killed(self):
        """run: cipmux is killed: the command ends, what it had started, and the modem"""
        for script in ("sleep 600 & echo $$ $! $PPID; wait",
                       "(trap '' TERM; sleep 600 & echo $$ $! $PPID; wait) & wait",
                       "setsid sleep 600 & echo $$ $! $PPID; wait"):
            run, pids = self.started(script)
            run.kill()
            self.assertEqual(run.wait(PATIENCE), -signal.SIGKILL)
            self.wait_gone(*pids)

    def test_modem_killed(self):
        """run: the modem's process is killed: the command and what it had started too"""
        run, pids = self.started("(trap '' TERM; exec sleep 600) & echo $$ $! $PPID; wait")
        os.kill(pids[2], signal.SIGKILL)
        self.assertEqual(run.wait(PATIENCE), 128 + signal.SIGKILL)
        self.wait_gone(*pids)

    def test_killed_early(self):
        """run: cipmux is killed while the modem starts: the modem ends, and the command is never started"""
        run = start("echo", options=("--timing=boot=600000",))
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.stderr.close)
        run.stderr.readline()
        run.kill()
        run.wait(PATIENCE)
        self.assertEqual(run.stdout.read(), b"")  # until the last process that holds it has ended

    def test_stubborn_rest(self):
        """run: what the command left running and ignores SIGTERM is killed"""
        run, pids = self.started("(trap '' TERM; exec sleep 600) >/dev/null & echo $!")
        self.assertEqual(run.wait(PATIENCE), 0)
        self.wait_gone(*pids)


class Recipes(Case):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="cipmux-e2e-")
        self.addCleanup(self.folder.cleanup)

    def call(self, *command, **more):
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=6 * PATIENCE, cwd=self.folder.name, **more)

    def test_ctest(self):
        """docs/CI.md: the ctest recipe has one green and one red test"""
        build = os.path.join(self.folder.name, "build")
        for step in (["cmake", "-S", EXAMPLES / "ctest", "-B", build, "-G", "Ninja", f"-DCIPMUX={e2e.PROGRAM}"],
                     ["cmake", "--build", build]):
            done = self.call(*step)
            self.assertEqual(done.returncode, 0, done.stdout)
        done = self.call("ctest", "--test-dir", build, "--output-on-failure")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"green \.+ +Passed")
        self.assertRegex(done.stdout, r"red \.+\*+Failed")
        self.assertIn("cipmux run: the command succeeded, but: classic single-server (1)", done.stdout)

    def test_pytest(self):
        """docs/CI.md: the pytest recipe has one green and one red test"""
        shutil.copytree(EXAMPLES / "pytest", os.path.join(self.folder.name, "tests"))
        done = self.call("/usr/bin/python3", "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "tests",
                         env={**os.environ, "CIPMUX": e2e.PROGRAM})
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("PASSED tests/test_firmware.py::test_green", done.stdout)
        self.assertNotIn("ERROR tests/test_firmware.py::test_green", done.stdout)
        self.assertIn("ERROR tests/test_firmware.py::test_red", done.stdout)
        self.assertIn("the command succeeded, but: classic single-server (1)", done.stdout)


if __name__ == "__main__":
    main()
