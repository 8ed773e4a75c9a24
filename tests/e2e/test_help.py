"""cipmux help: topics, the page of a command, and what a wrong word is answered."""
import pathlib
import re

from modem import Case, main

PROTOCOL = pathlib.Path(__file__).resolve().parents[2] / "docs" / "PROTOCOL.md"


class Help(Case):
    def text(self, *topic):
        done = self.cipmux("help", *topic)
        self.assertEqual((done.returncode, done.stderr), (0, b""), topic)
        return done.stdout.decode()

    def test_topics(self):
        """cipmux help lists topics, each is there, and none is wider than 120 columns"""
        topics = [line.split()[2] for line in self.text().splitlines()]
        self.assertLess({"options", "world", "commands", "reasons", "dialect"}, set(topics))
        for topic in topics:
            text = self.text(topic)
            self.assertTrue(text)
            self.assertEqual([line for line in text.splitlines() if len(line) > 120], [], topic)

    def test_options(self):
        """cipmux --help names every topic"""
        text = self.cipmux("--help").stdout.decode()
        for line in self.text().splitlines():
            self.assertRegex(text, r"\b%s\b" % line.split()[2])

    def test_command_pages(self):
        """cipmux help AT+X prints for each command what docs/PROTOCOL.md has"""
        pages = re.findall(r"^### (AT\S*)\n\n```text\n(.*?)```$", PROTOCOL.read_text(), re.S | re.M)
        self.assertGreater(len(pages), 100)
        for name, page in pages:
            self.assertEqual(self.text(name), page)
        for typed in ("+CIPSTART", "CIPSTART", "at+cipstart", 'AT+CIPSTART="TCP"'):
            self.assertEqual(self.text(typed), dict(pages)["AT+CIPSTART"])

    def test_reasons(self):
        """A reason's page has no format left in it"""
        for line in self.text("reasons").splitlines():
            if not line.startswith(" "):
                self.assertNotIn("%", self.text(line.split()[0]), line)
        self.assertEqual(self.text("bad-argument").splitlines()[0],
                         "bad-argument: AT+X: argument N is missing, of the wrong type, or out of its range")

    def test_quirk(self):
        """A quirk's id prints its row"""
        row = self.text("send-ok-on-ack").splitlines()[1]
        self.assertIn(row, self.text("quirks").splitlines())
        self.assertTrue(row.startswith("send-ok-on-ack "))

    def test_wrong(self):
        """A word that nobody knows: exit status 2, commands like it, the topics; nothing on stdout"""
        done = self.cipmux("help", "AT+CIPSTRAT")
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        lines = done.stderr.decode().splitlines()
        self.assertEqual(lines[0], "cipmux: help AT+CIPSTRAT: there is no such topic, command, reason or quirk")
        self.assertEqual(lines[1], "  like it: AT+CIPSTA AT+CIPSTATE AT+CIPSTART")
        self.assertEqual("\n".join(lines[2:]) + "\n", self.text())


if __name__ == "__main__":
    main()
