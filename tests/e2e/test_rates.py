"""The driver's firmware at each rate up to 1 Mbaud: no byte is lost and none is wrong, receiving actively and passively. A
few bytes at every rate, a megabyte each way at the first and the last; tools/bench-rates has a megabyte of all."""
import pathlib

import modem as e2e
import rates
from modem import ESP_AT, NONOS, Case, each_dialect, main

LIMIT = 300  # seconds for a megabyte each way


class Rates(Case):
    def carry(self, rate, passive, dialect, whole):
        firmware = pathlib.Path(e2e.PROGRAM).parent / "firmware"
        done = rates.run(e2e.PROGRAM, firmware, rate, passive, dialect, whole, LIMIT)
        self.assertEqual((done["status"], done["overruns"]), (0, 0), done["log"])
        return done

    @each_dialect(NONOS, ESP_AT)
    def test_every_rate(self, dialect):
        """32 KB each way at every rate, active and passive"""
        for rate in rates.RATES:
            for passive in (False, True):
                with self.subTest(rate=rate, passive=passive):
                    done = self.carry(rate, passive, dialect, whole=False)
                    self.assertGreater(done["bytes"] * 10 / rate / done["down"], 0.9)  # of what the line can carry
                    self.assertGreater(done["bytes"] * 10 / rate / done["up"], 0.6)

    def test_a_megabyte(self):
        """A megabyte each way at 115200 baud and at 1 Mbaud"""
        self.carry(115200, passive=False, dialect=NONOS, whole=True)
        self.carry(1000000, passive=False, dialect=ESP_AT, whole=True)
        self.carry(1000000, passive=True, dialect=NONOS, whole=True)


if __name__ == "__main__":
    main()
