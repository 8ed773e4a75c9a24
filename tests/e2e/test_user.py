"""The user commands of esp-at in the program: memory that each modem has for itself, an update from a URL, a sleeping host."""
import time

from modem import ERROR, ESP_AT, OK, Case, Modem, Modems, client, main, pattern

PROMPT = OK + b"\r\n>"
WAKE_MS = 50


class User(Case):
    def fill(self, modem, line, data, end):
        modem.at(line, PROMPT)
        modem.serial.send(data)
        modem.serial.expect(end)

    def test_memory(self):
        """User memory and flash take any bytes and give them back; each modem has its own; AT+RST keeps the flash only"""
        data, key = pattern(40000), bytes(range(256)) * 8
        with Modems(dialect=ESP_AT, one=None, two=None) as modems:
            one, two = modems["one"], modems["two"]
            one.at(f"AT+USERRAM=1,{len(data)}")
            self.fill(one, f"AT+USERRAM=2,{len(data)}", data, b"\r\nWRITE OK\r\n")
            blocks = [data[at:at + 1024] for at in range(0, len(data), 1024)]
            one.at(f"AT+USERRAM=3,{len(data)}",
                   b"".join(b"+USERRAM:%d," % len(block) + block for block in blocks) + OK)
            self.fill(one, f'AT+SYSFLASH=1,"client_key",0,{len(key)}', key, OK)
            two.at("AT+USERRAM?", b"+USERRAM:0\r\n" + OK)
            two.at('AT+SYSFLASH=2,"client_key",0,4', b"+SYSFLASH:4,\xff\xff\xff\xff" + OK)
            one.serial.send(b"AT+RST\r\n")
            one.serial.until(b"\r\nready\r\n")
            one.at("ATE0", b"ATE0\r\n" + OK)
            one.at("AT+USERRAM?", b"+USERRAM:0\r\n" + OK)
            one.at(f'AT+SYSFLASH=2,"client_key",0,{len(key)}', b"+SYSFLASH:%d," % len(key) + key + OK)

    def test_update(self):
        """AT+USEROTA: without a word in the world file it fails; with `update ok` the module restarts"""
        url = b"http://192.0.2.1/firmware.bin"
        with Modem(dialect=ESP_AT) as modem:
            self.fill(modem, f"AT+USEROTA={len(url)}", url, b"\r\nRecv %d bytes\r\n" % len(url) + ERROR)
            modem.wait_log("update-failed")
        with Modem(f"--world={self.write('update ok')}", dialect=ESP_AT) as modem:
            self.fill(modem, f"AT+USEROTA={len(url)}", url, b"\r\nRecv %d bytes\r\n" % len(url) + OK)
            modem.serial.until(b"\r\nready\r\n")

    def test_sleeping_host(self):
        """What nobody asked for wakes a sleeping host by a byte and waits; answers do not; no byte is lost"""
        with Modem("--publish=0:80", dialect=ESP_AT) as modem:
            modem.at("AT+CIPMUX=1")
            modem.at("AT+CIPSERVER=1,80")
            peer = self.wire(client(modem.published(80)))
            modem.serial.expect(b"0,CONNECT\r\n")
            modem.at(f"AT+USERWKMCUCFG=1,2,0,{ord('W')},60000")
            modem.at("AT+USERMCUSLEEP=1")
            peer.sendall(b"one")
            modem.serial.expect(b"W")
            modem.at("AT")
            modem.at("AT+USERMCUSLEEP=0", OK + modem.frame(b"one", 0))
            peer.sendall(b"two")
            modem.expect_data(b"two", 0)
            modem.at("AT+USERWKMCUCFG=0")
            modem.at(f"AT+USERWKMCUCFG=1,2,0,{ord('W')},{WAKE_MS}")
            modem.at("AT+USERMCUSLEEP=1")
            for text in b"three", b"four":
                since = time.monotonic()
                peer.sendall(text)
                modem.serial.expect(b"W" + modem.frame(text, 0))
                self.assertGreaterEqual(time.monotonic() - since, WAKE_MS / 1000)


if __name__ == "__main__":
    main()
