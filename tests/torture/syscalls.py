#!/usr/bin/python3
"""Every system call that can fail fails once: usage: syscalls.py CIPMUX [--only=SCENARIO,...] [--jobs=N] [--list].

Each scenario is a short run of the program. First its system calls are counted; then it is run again for each of them, with
that one failing (strace -e inject). A run passes if the program goes on, or ends with a status that is defined and a line
on stderr that says why; it does not crash, hang or spin. The begin that all runs have in common, up to main() and a little
further, is walked once. Prints what failed, and "N points, N passed, N failed".
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

# What each call fails with. Those that are not here cannot fail with arguments that are right (rt_sigaction, kill ...), never
# return (exit_group), or tell a failure otherwise than by an error (brk).
ERRORS = {
    "accept4": "EMFILE", "access": "EACCES", "bind": "EADDRINUSE", "clone": "EAGAIN", "clone3": "EAGAIN",
    "chmod": "EPERM", "close": "EIO", "connect": "ENETUNREACH", "dup": "EMFILE", "dup2": "EBUSY", "dup3": "EMFILE",
    "epoll_create1": "EMFILE", "epoll_pwait": "EINTR", "epoll_wait": "EINTR", "eventfd2": "EMFILE",
    "execve": "ENOMEM", "fchmod": "EPERM", "flock": "ENOLCK", "fstat": "EIO", "fsync": "EIO",
    "ftruncate": "EIO", "getcwd": "ENOMEM", "getdents64": "EIO", "getpeername": "ENOTCONN", "getrandom": "EAGAIN",
    "getsockname": "ENOBUFS", "getsockopt": "ENOBUFS", "inotify_add_watch": "ENOSPC", "inotify_init1": "EMFILE",
    "inotify_rm_watch": "EINVAL", "ioctl": "EIO", "link": "EMLINK", "listen": "EADDRINUSE",
    "lseek": "EIO", "lstat": "EIO", "madvise": "ENOMEM", "mkdir": "ENOSPC", "mmap": "ENOMEM", "mprotect": "ENOMEM",
    "munmap": "ENOMEM", "newfstatat": "EIO", "open": "EMFILE", "openat": "EMFILE", "pipe2": "EMFILE", "poll": "EINTR",
    "ppoll": "EINTR", "prctl": "EINVAL", "pread64": "EIO", "pwrite64": "ENOSPC", "readlink": "EIO",
    "readlinkat": "EIO", "recvfrom": "ECONNRESET", "recvmmsg": "ENOMEM", "recvmsg": "ECONNRESET",
    "rename": "ENOSPC", "renameat": "ENOSPC", "sched_getaffinity": "EPERM", "select": "EINTR", "sendmmsg": "ENOBUFS",
    "sendmsg": "ENOBUFS", "sendto": "ENOBUFS", "setsockopt": "ENOPROTOOPT", "shutdown": "ENOTCONN", "socket": "EMFILE",
    "socketpair": "EMFILE", "stat": "EIO", "statx": "EIO", "symlink": "EEXIST", "timerfd_create": "EMFILE",
    "timerfd_settime": "EINVAL", "unlink": "EIO", "unlinkat": "EIO", "utimensat": "EIO",
}
# These by what the descriptor is: nothing but a signal stops a pipe or an eventfd whose both ends are the program's.
MOVES = {
    "read": {"pipe": "EINTR", "anon_inode": "EINTR", "socket": "ECONNRESET", "": "EIO"},
    "write": {"pipe": "EINTR", "anon_inode": "EINTR", "socket": "EPIPE", "tty": "EIO", "": "ENOSPC"},
}
# These by what they are asked for: what is watched can be let go, flags of one's own descriptor can be set.
OPERATIONS = {"epoll_ctl": ("EPOLL_CTL_ADD", "ENOSPC"), "fcntl": ("F_DUPFD", "EMFILE"), "wait4": (", 0, NULL", "EINTR")}
# What is left to others: (system call, library that ends the program by a signal) and why nothing here can mend it.
OTHERS = {
    ("mmap", "ld-linux"): "the dynamic loader, before main(): it crashes where it wants to say what it is missing",
    ("pipe2", "libuv"): "uv_loop_init() ends by abort() when it gets no pipe for signals; that there are descriptors is seen "
                        "to before",
    ("epoll_ctl", "libuv"): "uv__io_poll() ends by abort() when the kernel cannot watch a descriptor",
}
MOVES["readv"], MOVES["writev"] = MOVES["read"], MOVES["write"]
OTHER = "ended by another's code"
QUIET_MS = 300     # each run has so long without work, in which it would be seen to spin,
SPIN_S = 0.12      # by so much more processor time than the undisturbed run
PATIENCE_S = 30.0  # until a run hangs
STEP_S = 1.0       # a step of a scenario that gets no answer is given up
JOIN = b'AT+CWMODE=1\nAT+CWJAP="lab","password"\n'


def echo(target, udp):
    while True:
        try:
            if udp:
                data, peer = target.recvfrom(2000)
                target.sendto(data, peer)
            else:
                peer, _ = target.accept()
                threading.Thread(target=lambda peer=peer: answer(peer), daemon=True).start()
        except OSError:
            return


def answer(peer):
    with peer:
        try:
            while data := peer.recv(2000):
                peer.sendall(data)
        except OSError:
            pass


class Run:
    """One run of the program in a folder of its own, under `before`."""

    def __init__(self, cipmux, ports, before=()):
        self.cipmux, self.before = cipmux, before
        self.tcp, self.udp = ports
        self.folder = tempfile.mkdtemp(prefix="cipmux-syscalls-")
        self.process = self.out = None
        self.hung = False

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        pathlib.Path(self.path(name)).write_text(text)
        return self.path(name)

    def start(self, *words, stdin=subprocess.DEVNULL):
        environment = dict(os.environ, HOME=self.folder, XDG_STATE_HOME=self.folder, TMPDIR=self.folder)
        self.out = open(self.path("stdout"), "wb")
        with open(self.path("stderr"), "wb") as err:
            self.process = subprocess.Popen([*self.before, self.cipmux, *words], stdin=stdin, stdout=self.out, stderr=err,
                                            env=environment, cwd=self.folder)

    def pipe(self, text, *words):
        """The program on a pipe, to its end."""
        self.start(f"--linger={QUIET_MS}", *words, stdin=subprocess.PIPE)
        try:
            self.process.stdin.write(text)
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def log(self):
        return pathlib.Path(self.path("stderr")).read_text(errors="replace")

    def said(self):
        """All that it printed, the modem's bytes last."""
        return self.log() + pathlib.Path(self.path("stdout")).read_text(errors="replace")

    def is_alive(self):
        if self.process.returncode is None:
            with_status = os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            return with_status is None
        return False

    def wait_log(self, pattern):
        """What the log says, or None."""
        end = time.monotonic() + 5 * STEP_S
        pause = threading.Event()
        while self.is_alive() and time.monotonic() < end:
            found = re.search(pattern, self.log())
            if found:
                return found.group(1)
            pause.wait(0.005)
        return None

    def talk(self, line, *steps):
        """Types each step; waits for OK, ERROR, "> " or the end."""
        for step in steps:
            got = b""
            try:
                line.settimeout(STEP_S)
                line.sendall(step)
                while not re.search(rb"OK\r\n$|ERROR\r\n$|> $|FAIL\r\n$", got):
                    data = line.recv(4096)
                    if not data:
                        return
                    got += data
            except OSError:
                return

    def stop(self):
        """Quiet for a while, then ended."""
        threading.Event().wait(QUIET_MS / 1000)
        if self.is_alive():
            self.process.send_signal(signal.SIGTERM)

    def finish(self):
        """Status, as Popen has it, and processor seconds."""
        end = time.monotonic() + PATIENCE_S
        pause = threading.Event()
        while self.is_alive() and time.monotonic() < end:
            pause.wait(0.005)
        if self.is_alive():
            self.hung = True
            self.process.kill()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.out.close()
        return self.process.returncode, usage.ru_utime + usage.ru_stime


class Terminal:
    """A device, as something with sendall() and recv()."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def settimeout(self, seconds):
        self.seconds = seconds

    def sendall(self, data):
        os.write(self.fd, data)

    def recv(self, n):
        if not select.select([self.fd], [], [], self.seconds)[0]:
            raise TimeoutError
        return os.read(self.fd, n)

    def close(self):
        os.close(self.fd)


def connect(where):
    try:
        if isinstance(where, str):
            line = socket.socket(socket.AF_UNIX)
        else:
            line = socket.socket()
        line.settimeout(STEP_S)
        line.connect(where)
        return line
    except OSError:
        return None


def talk_to(run, line, *steps):
    if line is not None:
        run.talk(line, *steps)
        line.close()
    run.stop()


# ---- Scenarios ---------------------------------------------------------------------------------------------------------

def pipe(run):
    run.pipe(b"AT\nAT+GMR\n", "--quiet")


def version(run):
    run.start("--version")


def help_page(run):
    run.start("help", "AT+CIPSTART")


def record(run):
    run.pipe(JOIN, "--quiet", f"--record={run.path('record')}")


def trace(run):
    run.pipe(JOIN, f"--log={run.path('log')}", f"--trace={run.path('trace')}")


def flash(run):
    run.pipe(b'AT+CWMODE_DEF=3\nAT+CWJAP_DEF="lab","password"\n', f"--flash={run.path('flash')}")


def world(run):
    file = run.write("world", 'ap ssid="cafe" password="espresso"\nat 50ms ap-gone ssid="cafe"\n')
    fault = run.write("fault", 'on printed "WIFI" printed loses 1\n')
    run.pipe(b'AT+CWMODE=1\nAT+CWJAP="cafe","espresso"\n', f"--world={file}", f"--fault={fault}")


def dialect(run):
    run.pipe(b"AT+GMR\n", f"--dialect={run.write('mine', 'dialect base=nonos-1.3' + chr(10))}")


def tcp_link(run):
    run.pipe(JOIN + f'AT+CIPSTART="TCP","10.0.2.2",{run.tcp}\nAT+CIPSEND=5\nhello\nAT+CIPCLOSE\n'.encode())


def udp_link(run):
    run.pipe(JOIN + f'AT+CIPSTART="UDP","10.0.2.2",{run.udp}\nAT+CIPSEND=5\nhello\nAT+CIPCLOSE\n'.encode())


def names(run):
    run.pipe(JOIN + b'AT+CIPDOMAIN="localhost"\n')


def ping(run):
    run.pipe(JOIN + b'AT+PING="10.0.2.2"\n')


def mdns(run):
    run.pipe(JOIN + b'AT+CIPMUX=1\nAT+CIPSERVER=1,80\nAT+MDNS=1,"esp","http",80\n', "--publish=0:80")


def sntp(run):
    run.pipe(JOIN + b'AT+CIPSNTPCFG=1,0,"10.0.2.2"\nAT+CIPSNTPTIME?\n', f"--redirect=10.0.2.2:123:{run.udp}/udp")


def pty(run):
    run.start(f"--pty={run.path('tty')}")
    run.wait_log("(this program is the modem)")
    try:
        line = Terminal(run.path("tty"))
    except OSError:
        line = None
    talk_to(run, line, b"AT\r\n", b"AT+GMR\r\n")


def unix(run):
    run.start(f"--unix={run.path('line')}")
    run.wait_log("(this program is the modem)")
    talk_to(run, connect(run.path("line")), b"AT\r\n", b"AT+GMR\r\n")


def on_tcp(run, *words, steps=(b"AT\r\n", b"AT+GMR\r\n"), option="--tcp"):
    run.start(f"{option}=127.0.0.1:0", *words)
    port = run.wait_log(r"127\.0\.0\.1:(\d+)")
    return connect(("127.0.0.1", int(port))) if port else None, steps


def tcp(run):
    line, steps = on_tcp(run)
    talk_to(run, line, *steps)


def rfc2217(run):
    line, _ = on_tcp(run, option="--rfc2217")
    rate = b"\xff\xfb\x2c\xff\xfa\x2c\x01\x00\x01\xc2\x00\xff\xf0"
    talk_to(run, line, rate + b"AT\r\n", b"AT+GMR\r\n")


def paced(run):
    line, steps = on_tcp(run, "--pace=hardware")
    talk_to(run, line, *steps)


def connecting(run):
    target = socket.create_server(("127.0.0.1", 0))
    target.settimeout(5 * STEP_S)
    run.start(f"--tcp-connect=127.0.0.1:{target.getsockname()[1]}")
    while run.is_alive():
        if select.select([target], [], [], 0.05)[0]:
            talk_to(run, target.accept()[0], b"AT\r\n")
            break
    target.close()


def device(run):
    main, far = os.openpty()
    name = os.ttyname(far)
    run.start(f"--serial={name}")
    run.wait_log("(this program is the modem)")
    try:
        os.set_blocking(main, False)
        os.write(main, b"AT\r\n")
        select.select([main], [], [], STEP_S)
    except OSError:
        pass
    run.stop()
    run.rest = (main, far)


def server(run):
    line, _ = on_tcp(run, "--publish=0:80")
    if line is not None:
        run.talk(line, b"AT+CIPMUX=1\r\n", b"AT+CIPSERVER=1,80\r\n")
        port = run.wait_log(r"port 80 is at 127\.0\.0\.1:(\d+)")
        client = connect(("127.0.0.1", int(port))) if port else None
        if client is not None:
            try:
                client.sendall(b"hello")
                run.talk(line, b"AT+CIPSEND=0,2\r\n", b"ok")
                client.recv(10)
            except OSError:
                pass
            client.close()
    talk_to(run, line, b"AT+CIPSERVER=0\r\n")


def control(run):
    line, _ = on_tcp(run, f"--control={run.path('control')}")
    client = connect(run.path("control"))
    if client is not None:
        try:
            client.sendall(b"phase\ncounters\ntyped loses 1\n")
            client.recv(100)
        except OSError:
            pass
        client.close()
    talk_to(run, line, b"AT\r\n")


def ctl(run):
    target = socket.socket(socket.AF_UNIX)
    target.bind(run.path("control"))
    target.listen(8)
    threading.Thread(target=serve_control, args=(target,), daemon=True).start()
    run.start("ctl", run.path("control"), "phase")


def serve_control(target):
    with target:
        target.settimeout(STEP_S)
        try:
            peer, _ = target.accept()
            with peer:
                peer.settimeout(STEP_S)
                while b"\n" not in (data := peer.recv(100)):
                    if not data:
                        return
                peer.sendall(b"OK COMMAND\n")
                peer.recv(100)
        except OSError:
            pass


def modems(run):
    run.start("--modem=ap,tcp=127.0.0.1:0", "--modem=sta,pty=" + run.path("sta"))
    port = run.wait_log(r"127\.0\.0\.1:(\d+)")
    line = connect(("127.0.0.1", int(port))) if port else None
    talk_to(run, line, b"AT+CWMODE=2\r\n", b'AT+CWSAP="mine","12345678",5,3\r\n')


def command(run):
    run.start("run", "--", "true")


def transcript(run):
    run.start("replay", run.write("one.txt", "# dialect: classic\n# source: a test\n> AT\\r\\n\n< \\r\\nOK\\r\\n\n"))


SCENARIOS = [pipe, version, help_page, record, trace, flash, world, dialect, tcp_link, udp_link, names, ping, mdns, sntp, pty,
             unix, tcp, rfc2217, paced, connecting, device, server, control, ctl, modems, command, transcript]

# ---- Points ------------------------------------------------------------------------------------------------------------

Point = collections.namedtuple("Point", "scenario call count error")
LINE = re.compile(r"^(\d+) +(\w+)(\(.*)", re.M)


def error_of(name, arguments):
    """What a call with such arguments, as strace shows them, fails with; None: it does not."""
    if name in OPERATIONS:
        operation, error = OPERATIONS[name]
        return error if operation in arguments else None
    if name not in MOVES:
        return ERRORS.get(name)
    found = re.match(r"\(\d+<([^>]*)>", arguments)
    path = found.group(1) if found else ""
    kind = "tty" if path.startswith(("/dev/pt", "/dev/tty")) else path.split(":")[0] if ":" in path else ""
    return MOVES[name].get(kind, MOVES[name][""])


class Torture:
    def __init__(self, cipmux):
        self.cipmux = cipmux
        tcp_target = socket.create_server(("127.0.0.1", 0), backlog=64)
        udp_target = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp_target.bind(("127.0.0.1", 0))
        self.ports = (tcp_target.getsockname()[1], udp_target.getsockname()[1])
        threading.Thread(target=echo, args=(tcp_target, False), daemon=True).start()
        threading.Thread(target=echo, args=(udp_target, True), daemon=True).start()

    def run(self, scenario, before):
        run = Run(self.cipmux, self.ports, before)
        run.rest = ()
        try:
            scenario(run)
            status, cpu = run.finish()
            return status, cpu, run.hung, run.said()
        finally:
            for fd in run.rest:
                os.close(fd)
            shutil.rmtree(run.folder, ignore_errors=True)

    def count(self, scenario):
        """Each call with its counts, as strace has them, in each process; the processor time; the calls in order."""
        with tempfile.NamedTemporaryFile(prefix="cipmux-syscalls-") as log:
            status, cpu, hung, text = self.run(scenario, ["strace", "-D", "-f", "-q", "-y", "-o", log.name])
            assert status in (0, -signal.SIGTERM, 128 + signal.SIGTERM) and not hung, (scenario.__name__, status, text)
            end, pause = time.monotonic() + PATIENCE_S, threading.Event()
            while not re.search(r"\+\+\+ (exited|killed)", text := pathlib.Path(log.name).read_text(errors="replace")):
                assert time.monotonic() < end, text
                pause.wait(0.005)
            lines = LINE.findall(text)
        made = collections.defaultdict(dict)  # by name: the first arguments of each count
        times = collections.Counter()
        for pid, name, arguments in lines:
            times[pid, name] += 1
            made[name].setdefault(times[pid, name], arguments)
        return made, cpu, [name for pid, name, *_ in lines if pid == lines[0][0]]

    def points(self, scenarios):
        """All points; the begin that a scenario has in common with the first one is left out."""
        first, points, cpus = None, [], {}
        for scenario in scenarios:
            made, cpus[scenario], order = self.count(scenario)
            same = collections.Counter()
            for mine, others in zip(order, first or []):
                if mine != others:
                    break
                same[mine] += 1
            first = first or order
            for name, calls in sorted(made.items()):
                begin = max(same[name], name == "execve")
                points += [Point(scenario, name, count, error_of(name, what)) for count, what in sorted(calls.items())
                           if count > begin and error_of(name, what)]
        return points, cpus

    def inject(self, point, *options):
        return self.run(point.scenario, ["strace", "-D", "-f", "-qq", *options, "-e", f"trace={point.call}", "-e",
                                         f"inject={point.call}:error={point.error}:when={point.count}"])

    def traced(self, point, *options):
        """strace's log of the point once more."""
        with tempfile.NamedTemporaryFile(prefix="cipmux-syscalls-") as log:
            self.inject(point, *options, "-o", log.name)
            end, pause = time.monotonic() + PATIENCE_S, threading.Event()
            while not re.search(r"\+\+\+ (exited|killed)", text := pathlib.Path(log.name).read_text(errors="replace")):
                if time.monotonic() > end:
                    break
                pause.wait(0.005)
        return text

    def corrected(self, point):
        """Calls come in another order now and then: the point with the error that is right for the call that it met, or None
        where that cannot fail."""
        found = re.search(rf"^\d+ +{point.call}(\(.*)\(INJECTED\)", self.traced(point, "-y"), re.M)
        error = error_of(point.call, found.group(1)) if found else point.error
        return point._replace(error=error) if error else None

    def whose(self, point):
        """The library whose own code ended the program with a signal, as far as it is a known one."""
        stack = re.findall(r"^ > (\S+?)\(", self.traced(point, "-k").split("--- SIGABRT", 1)[-1].split("--- SIGSEGV", 1)[-1],
                           re.M)
        libraries = [os.path.basename(path) for path in stack if "/libc.so" not in path]
        return next((name for call, name in OTHERS if call == point.call and libraries and libraries[0].startswith(name)), None)

    def judge(self, point, cpu):
        """None, or what is wrong, and the log."""
        wrong = self.judge_once(point, cpu)
        if wrong is not None and (point.call in MOVES or point.call in OPERATIONS):
            right = self.corrected(point)
            if right != point:
                return right and self.judge_once(right, cpu)
        return wrong

    def judge_once(self, point, cpu):
        status, spent, hung, log = self.inject(point, "--seccomp-bpf", "-o", "/dev/null")
        if hung:
            return "hangs", log
        if status < 0 and status != -signal.SIGTERM or status in (128 + signal.SIGABRT, 128 + signal.SIGSEGV):
            other = self.whose(point)
            return (OTHER, OTHERS[point.call, other]) if other else (f"signal {-status}", log)
        if "Sanitizer" in log or "runtime error" in log:
            return "a sanitizer's report", log
        if spent > cpu + SPIN_S:
            return f"spins: {spent:.2f} s of processor time, {cpu:.2f} s without", log
        if status not in (0, 1, 2, 3, 4, 126, 127, 128 + signal.SIGTERM, -signal.SIGTERM):
            return f"status {status}", log
        if status > 0 and status != 128 + signal.SIGTERM and not log.strip():
            return f"status {status}, and says nothing", log
        return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cipmux")
    parser.add_argument("--only")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",") if arguments.only else [scenario.__name__ for scenario in SCENARIOS]
    torture = Torture(os.path.abspath(arguments.cipmux))
    begin = time.monotonic()
    points, cpus = torture.points([scenario for scenario in SCENARIOS if scenario.__name__ in wanted])
    if arguments.list:
        for scenario, n in collections.Counter(point.scenario.__name__ for point in points).items():
            print(f"{scenario:12} {n}")
        print(len(points))
        return 0
    failed, others = 0, collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for point, wrong in zip(points, pool.map(lambda point: torture.judge(point, cpus[point.scenario]), points)):
            if wrong is not None and wrong[0] == OTHER:
                others[point.call, wrong[1]] += 1
            elif wrong is not None:
                failed += 1
                print(f"{point.scenario.__name__}: {point.call} #{point.count} {point.error}: {wrong[0]}", flush=True)
                for line in wrong[1].splitlines()[-3:]:
                    print(f"    {line}", flush=True)
    for (call, why), times in others.items():
        print(f"{times} times {call}: {why}")
    print(f"{len(points)} points in {len(cpus)} scenarios, {time.monotonic() - begin:.0f} s")
    print(f"{len(points) - failed - others.total()} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
