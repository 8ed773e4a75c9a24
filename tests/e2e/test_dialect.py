"""Dialects as the program has them: the list, AT 1.3, a module of the user's described in a file."""
from modem import CLASSIC, ERROR, ESP_AT, NONOS, OK, Case, Modem, main

OLD = "nonos-1.3"
GMR_OLD = (b"AT version:1.3.0.0(Jul 14 2016 18:54:01)\r\nSDK version:2.0.0(656edbf)\r\n"
           b"compile time:Oct 29 2016 22:56:21" + OK)


class Dialects(Case):
    def test_list(self):
        """--dialect=list names four"""
        lines = self.cipmux("--dialect=list").stdout.decode().splitlines()
        self.assertEqual({line.split()[0] for line in lines}, {CLASSIC, NONOS, OLD, ESP_AT})

    def test_old_firmware(self):
        """nonos-1.3: its AT+GMR, seven fields of AT+CWLAP, four of AT+CWJAP?, no passive receive, a boot log of its own"""
        with Modem(dialect=OLD) as modem:
            modem.at("AT+GMR", GMR_OLD)
            modem.at("AT+CWLAP", b'+CWLAP:(3,"lab",-50,"02:00:00:00:00:01",6,0,0)\r\n' + OK)
            modem.at("AT+CWJAP?", b'+CWJAP:"lab","02:00:00:00:00:01",6,-50\r\n' + OK)
            modem.at("AT+CIPRECVMODE=1", ERROR)
            modem.wait_log(r"AT\+CIPRECVMODE is no command of this firmware")
            modem.at("AT+RST", OK + b"WIFI DISCONNECT\r\n\r\n ets Jan  8 2013,rst cause:2, boot mode:(3,7)\r\n")
            modem.serial.until(b"jump to run user1 @ 1000\r\n\r\n\r\nready\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n")

    def test_file(self):
        """A file: base, quirk and AT+GMR hold; an option comes after it; the log names file and base"""
        path = self.write('# mine\ndialect base=nonos-1.3\nquirk single-server=1 idle-needs-server=0\n'
                          'time boot=60ms\ngmr "AT version:1.2.0.0\\r\\n100%d"')
        with Modem("--quirk=single-server=0", dialect=path, join=False) as modem:
            modem.wait_log(f"{path} \\(nonos-1.3\\), this program is the modem on")
            modem.at("AT+GMR", b"AT version:1.2.0.0\r\n100%d" + OK)
            modem.at("AT+CIPSTO=60")
            modem.at("AT+CIPSERVER=1,80", ERROR)
            modem.at("AT+CIPRECVMODE=1", ERROR)

    def test_the_example_of_the_help(self):
        """cipmux help dialect: its example is a file that works"""
        text = self.cipmux("help", "dialect").stdout.decode()
        for verb in ("dialect base=NAME", "quirk ID=VALUE ...", "time real | fast | NAME=TIME ...", 'gmr "TEXT"'):
            self.assertIn(f"\n  {verb}\n", text)
        example = [line for line in text.split("For example")[1].splitlines() if line.startswith("  ")]
        self.assertEqual(len(example), 4)
        with Modem(dialect=self.write("\n".join(example)), join=False) as modem:
            modem.at("AT+GMR", b"AT version:1.2.0.0(Jul  1 2016 20:04:45)\r\nSDK version:1.5.4.1(39cb9a32)" + OK)

    def test_wrong(self):
        """A wrong file: line, column, what was expected, exit status 3; no such dialect or file: 2"""
        path = self.write("dialect base=nonos-1.3\nquirk full-rest=1")
        done = self.cipmux(f"--dialect={path}")
        self.assertEqual((done.returncode, done.stdout), (3, b""))
        self.assertEqual(done.stderr.decode().splitlines(),
                         [f"cipmux: {path}:2: column 7: expected the id of a quirk (cipmux help quirks), "
                          'not "full-rest"', "  quirk ID=VALUE ..."])
        done = self.cipmux("--dialect=nonos-2")
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertEqual(done.stderr.decode(), "cipmux: --dialect=nonos-2: there is no such dialect, and no such file; "
                                               "--dialect=list names them\n")


if __name__ == "__main__":
    main()
