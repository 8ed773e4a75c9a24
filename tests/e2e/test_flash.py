"""Settings in a file (--flash): they outlive the program, and a save is whole or did not happen, whatever interrupts it."""
import os
import pathlib
import random
import subprocess
import tempfile
import zlib

import modem as e2e
from modem import ERROR, OK, PATIENCE, Case, main

KILLS = 200


class Flash(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="cipmux-e2e-", dir="/dev/shm")  # syncing costs nothing there
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "flash"

    def command(self):
        return [e2e.PROGRAM, f"--flash={self.file}", "--net=none", "--linger=0"]

    def run_modem(self, *lines, before=()):
        """What it prints and logs for these lines."""
        done = subprocess.run([*before, *self.command()], input="".join(f"{line}\n" for line in lines).encode(),
                              capture_output=True, timeout=PATIENCE)
        return done.stdout, done.stderr.decode()

    def mode(self):
        """The stored mode. Nothing may be wrong with the file."""
        out, log = self.run_modem("ATE0", "AT+CWMODE_DEF?")
        self.assertNotIn("damaged", log)
        return int(out.split(b"+CWMODE_DEF:")[1][:1])

    def stored_mode(self):
        """The same, read from the file: magic, version, length, fields of tag, place, length, bytes; CRC-32."""
        image = self.file.read_bytes()
        self.assertEqual(int.from_bytes(image[-4:], "little"), zlib.crc32(image[:-4]))
        at = 7
        while image[at] != 34:
            at += 3 + image[at + 2]
        return image[at + 3]

    def injected(self, what, *paths):
        """A command prefix that lets system calls on these files fail, or kill."""
        files = [argument for path in paths for argument in ("-P", str(path))]
        return ["strace", "-qq", "-o", os.devnull, *files, "-e", f"inject={what}"]

    def test_outlives_the_program(self):
        """Saved settings are there after a new start, AT+RESTORE clears them, and only the owner can read them"""
        self.run_modem("AT+CWMODE_DEF=3", "AT+CIPMUX=1")
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.mode(), 3)
        out, _ = self.run_modem("AT+CIPMUX?")
        self.assertIn(b"+CIPMUX:0", out)
        self.run_modem("AT+RESTORE")
        self.assertEqual(self.mode(), 2)

    def test_unchanged_is_not_written(self):
        """A setting that has its value already is not written again"""
        self.run_modem("AT+CWMODE_DEF=3")
        before = self.file.stat()
        self.run_modem("AT+CWMODE_DEF=3", "AT+CWMODE_CUR=1", "AT+UART_DEF=115200,8,1,0,0")
        self.assertEqual(self.file.stat().st_ino, before.st_ino)

    def test_damaged(self):
        """A damaged file is named and set aside, and factory settings apply"""
        self.run_modem("AT+CWMODE_DEF=3")
        whole = self.file.read_bytes()
        for broken in (b"", whole[:-1], whole + b"x", whole[:40] + bytes([whole[40] ^ 4]) + whole[41:]):
            self.file.write_bytes(broken)
            out, log = self.run_modem("AT+CWMODE_DEF?")
            self.assertIn(b"+CWMODE_DEF:2", out)
            self.assertIn(f"{self.file} was damaged", log)
            self.assertEqual((self.folder / "flash.damaged").read_bytes(), broken)

    def test_unreadable(self):
        """A file that cannot be read ends the program with status 3"""
        self.file.mkdir()
        done = subprocess.run(self.command(), input=b"", capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 3)
        self.assertIn(str(self.file).encode(), done.stderr)

    def test_save_fails(self):
        """Disk full, read-only, an input or output error: ERROR, and the old settings stay"""
        new = self.folder / "flash.new"
        self.run_modem("AT+CWMODE_DEF=1")
        for what in ("write:error=ENOSPC", "openat:error=EROFS", "fsync:error=EIO", "close:error=EIO",
                     "rename:error=EACCES"):
            with self.subTest(what):
                out, log = self.run_modem("ATE0", "AT+CWMODE_DEF=3", "AT+CWMODE_DEF?", before=self.injected(what, new))
                self.assertIn(ERROR, out)
                self.assertIn(b"+CWMODE_DEF:1", out)
                self.assertIn("save-failed", log)
                self.assertEqual(self.mode(), 1)
                self.assertFalse(new.exists())

    def test_killed_at_each_system_call(self):
        """kill -9 at every system call of a save: the file is the old or the new one"""
        paths = (self.file, self.folder / "flash.new", self.folder)
        seen = []
        for name in ("openat", "read", "write", "fsync", "close", "rename"):
            for count in range(1, 10):
                self.run_modem("AT+CWMODE_DEF=1")
                out, _ = self.run_modem("AT+CWMODE_DEF=3",
                                        before=self.injected(f"{name}:signal=KILL:when={count}", *paths))
                if OK in out:
                    break
                seen.append(self.stored_mode())
        self.assertGreaterEqual(len(seen), 11)
        self.assertEqual(set(seen), {1, 3})
        self.assertEqual(self.mode(), 3)

    def test_killed_at_random(self):
        """kill -9 at 200 random instants of a loop of saves: the file is one of those saved"""
        chance = random.Random(6)
        script = b"ATE0\n" + b"AT+CWMODE_DEF=1\nAT+CWMODE_DEF=3\n" * 200
        self.run_modem("AT+CWMODE_DEF=1")
        for _ in range(KILLS):
            modem = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL)
            with modem:
                modem.stdin.write(script)
                modem.stdin.flush()
                modem.stdout.read(chance.randrange(40, 1500))
                modem.kill()
            self.assertIn(self.stored_mode(), (1, 3))
        self.assertEqual(self.mode(), self.stored_mode())


if __name__ == "__main__":
    main()
