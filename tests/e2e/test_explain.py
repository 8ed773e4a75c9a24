"""cipmux explain: what a log shows. The recordings of real modules, each with the links and pains that are known of it, the
transcripts of the scenarios, and logs in the forms that people have."""
import json
import pathlib
import re
import subprocess

from modem import PATIENCE, Case, main
import modem as common

TRANSCRIPTS = pathlib.Path(__file__).parents[1] / "transcripts"

# Of each recording: the pains, by scenario or by what the sentence says, with their lines, and the links: id, first and last
# line (0: open at the end). Recordings that are not here have neither.
RECORDINGS = {
    "009": ([("garbage", 16), ("busy", 32), ("busy", 36)], [(4, 46, 0)]),
    "012": ([], [(0, 26, 0)]),
    "100": ([], [(0, 33, 0)]),
    "101": ([("busy-connect", 16), ("busy-connect", 19), ("busy-connect", 22)], []),
    "102": ([("busy-connect", 19), ("busy-connect", 22), ("busy-connect", 25)], []),
    "105": ([], [(0, 26, 35)]),
    "107": ([], [(0, 17, 0)]),
    "109": ([], [(0, 13, 29)]),
    "111": ([], [(0, 30, 0)]),
    "112": ([], [(0, 13, 0)]),
    "117": ([], [(0, 20, 27), (1, 30, 0)]),
    "200": ([], [(0, 11, 0)]),
    "202": ([], [(0, 18, 0)]),
    "203": ([("send-fail-then-ok", 23)], [(0, 15, 0)]),
    "206": ([("busy-sending", 20), ("busy-sending", 22), ("busy-sending", 32)], [(0, 13, 0)]),
    "209": ([], [(0, 13, 0)]),
    "211": ([], [(0, 14, 0)]),
    "212": ([("busy-sending", 20), ("busy-connect", 26), ("a command without its final answer", 24)], []),
    "300": ([("closed-behind-data", 26)], [(0, 18, 26)]),
    "301": ([], [(0, 15, 0), (1, 17, 0)]),
    "305": ([("closed-behind-send-ok", 28)], [(1, 21, 28), (0, 17, 29), (0, 40, 46)]),
    "306": ([], [(0, 21, 39), (0, 41, 0), (1, 29, 0), (2, 31, 0)]),
    "309": ([("clients-vanish", 22), ("clients-vanish", 29), ("clients-vanish", 33)],
            [(4, 22, 27), (4, 29, 31), (3, 20, 45), (0, 14, 49),
             (1, 16, 49), (2, 18, 49), (4, 33, 49), (0, 52, 0)]),
    "400": ([], [(0, 17, 0)]),
    "401": ([("the module restarted", 33)], [(0, 13, 21)]),
    "403": ([], [(0, 16, 0)]),
    "500": ([], [(0, 18, 0)]),
    "501": ([], [(4, 13, 0)]),
    "505": ([], [(0, 13, 0)]),
    "600": ([], [(4, 15, 0)]),
    "601": ([("that link is not open", 13)], []),
    "602": ([], [(0, 16, 0)]),
    "606": ([("only some firmwares have this command", 8),
             ("only some firmwares have this command", 10)], []),
    "707": ([], [(0, 15, 27), (0, 35, 0)]),
}


def explain(text, *options):
    done = subprocess.run([common.PROGRAM, "explain", *options], input=text, capture_output=True, timeout=PATIENCE,
                          check=False)
    return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")


def facts(text):
    """The pains with their lines, and the links."""
    status, out, error = explain(text, "--json")
    assert error == "", error
    rows = [json.loads(line) for line in out.splitlines()]
    pains = [(row["scenario"] or row["says"], row["line"]) for row in rows if "pain" in row]
    assert status == (1 if pains else 0)
    return pains, [(row["link"], row["opened"], row["closed"]) for row in rows if "link" in row]


class Recordings(Case):
    def test_all(self):
        """Each recording of a real module has the links and pains that are known of it, and no others"""
        for path in sorted((TRANSCRIPTS / "recordings").glob("*.txt")):
            pains, links = facts(path.read_bytes())
            expected = RECORDINGS.get(path.name[:3], ([], []))
            self.assertEqual(links, expected[1], path.name)
            self.assertEqual([line for _, line in pains], [line for _, line in expected[0]], path.name)
            for (says, _), (begin, _) in zip(pains, expected[0]):
                self.assertTrue(says.startswith(begin), (path.name, says))

    def test_scenarios(self):
        """Each transcript of a scenario shows that one. Two cannot: passthrough is silent, and esp-at gives what was left
        unread before its CLOSED"""
        silent = {"closed-in-passthrough.txt", "closed-in-passthrough-esp.txt", "data-after-closed-esp.txt"}
        for path in sorted((TRANSCRIPTS / "scenarios").glob("*.txt")):
            name = re.search(r"(?m)^# scenario: (\S+)", path.read_text(encoding="latin-1")).group(1)
            pains, _ = facts(path.read_bytes())
            self.assertEqual(name in [pain for pain, _ in pains], path.name not in silent, (path.name, pains))

    def test_others(self):
        """No transcript makes it stumble"""
        for path in sorted(TRANSCRIPTS.glob("*/*.txt"))[::7]:
            if path.parent.name != "runner":
                facts(path.read_bytes())


SESSION = [">AT+CIPMUX=1", "<AT+CIPMUX=1", "<", "<OK", '>AT+CIPSTART=0,"TCP","10.0.2.2",80',
           '<AT+CIPSTART=0,"TCP","10.0.2.2",80', "<0,CONNECT", "<", "<OK", ">AT+CIPSEND=0,5", "<AT+CIPSEND=0,5", "<",
           "<OK", "<0,CLOSED", "<link is not valid", "<", "<ERROR"]


class Forms(Case):
    def check_form(self, text, closed):
        pains, links = facts(text)
        self.assertEqual(links, [(0, closed - 6, closed)], text)
        self.assertIn(("closed-after-prompt", closed), [(pain.replace("before", "after"), line) for pain, line in pains])

    def test_plain(self):
        """Plain bytes with CR LF, and as text with LF only: commands are known by their echo"""
        lines = [line[1:] for line in SESSION if line[0] == "<"]
        self.check_form("\r\n".join(lines + [""]).encode(), 11)
        self.check_form("\n".join(lines + [""]).encode(), 11)

    def test_stamped(self):
        """Time stamps of several kinds"""
        lines = [line[1:] for line in SESSION if line[0] == "<"]
        for form in ("10:04:{:02}.118 -> {}", "[10:04:{:02}.118] {}", "2023-02-01 10:04:{:02}.118 {}", "({:02}00) {}",
                     "[2023-02-01_10:04:{:02}:118]{}"):
            self.check_form("\n".join(form.format(number, line) for number, line in enumerate(lines)).encode(), 11)

    def test_directions(self):
        """With directions, without echo"""
        lines = [line for line in SESSION if not line.startswith("<AT")]
        for to, back in (("TX: ", "RX: "), (">> ", "<< "), ("[10:04:31.118]发→◇", "[10:04:31.118]收←◆"),
                         ("10:04:31.118 -> ", "10:04:31.118 <- ")):
            text = "\n".join((to if line[0] == ">" else back) + line[1:] for line in lines)
            self.check_form(text.encode(), 11)

    def test_margin(self):
        """The log with its margin, a note below the line, and the summary"""
        lines = [line[1:] for line in SESSION if line[0] == "<"]
        status, out, _ = explain("\r\n".join(lines + [""]).encode())
        self.assertEqual(status, 1)
        self.assertRegex(out, r"(?m)^    4 AT\+CIPSTART=0,\S* +\| AT\+CIPSTART=0")
        self.assertRegex(out, r"(?m)^   11 link 0 +\| 0,CLOSED\n +\^ closed-\S+ \(pain 3\): ")
        self.assertRegex(out, r"(?m)^link 0: from line 5 to line 11; 0 bytes received, 0 sent$")
        self.assertRegex(out, r"(?m)^line 11: closed-\S+ \(pain 3\): .*; --fault=closed-\S+ makes it$")

    def test_missing(self):
        """No final answer, a frame that is too short, a link that was never there"""
        pains, _ = facts(b"AT+CIPMUX?\r\n\r\nAT+GMR\r\n\r\nAT\r\n\r\nOK\r\n")
        self.assertEqual([line for says, line in pains if says.startswith("a command without")], [1, 5])
        pains, _ = facts(b"AT\r\r\n\r\nOK\r\n\r\n+IPD,0,9:hell")
        self.assertEqual(pains, [("printed-bytes-lost", 5)])
        pains, _ = facts(b"0,CONNECT\r\n0,CLOSED\r\n0,CLOSED\r\n")
        self.assertEqual([line for _, line in pains], [3])

    def test_clean(self):
        """A log in which nothing is wrong, an empty one, no file, a wrong option"""
        status, out, _ = explain(b"AT\r\r\n\r\nOK\r\n")
        self.assertEqual((status, out.splitlines()[-1]), (0, "nothing is missing, and nothing looks wrong"))
        self.assertEqual(explain(b"")[0], 0)
        self.assertEqual(explain(b"", "/dev/null/nothing")[0], 3)
        self.assertEqual(explain(b"", "--nonsense")[0], 2)
        self.assertEqual(explain(b"# dialect: classic\nnonsense\n")[0], 3)


if __name__ == "__main__":
    main()
