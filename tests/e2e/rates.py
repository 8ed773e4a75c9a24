"""Much data through firmware with our driver, at a rate: tests/firmware/programs/volume.c in the lab, against a peer of the
simulated network. Firmware and peer check every byte. Used by test_rates.py and tools/bench-rates."""
import json
import os
import pathlib
import subprocess
import tempfile

RATES = (115200, 222200, 250000, 500000, 1000000)
BLOCK = 64 * 251             # bytes; as in volume.c
BLOCKS = {True: 63, False: 2}  # 1,012,032 bytes, or a few
AHEAD = 4                    # blocks that the peer may have under way
PINS = "B0,B3,B4"


def words(passive, whole):
    """The world file: the peer takes and acknowledges block by block, then sends as many."""
    left = blocks = BLOCKS[whole]
    lines = ['ap ssid="lab" password="password"', "listen peer 10.0.2.2:5000",
             f"pin C0 {'low' if passive else 'high'}", f"pin C1 {'high' if whole else 'low'}",
             "within 20s peer connected"]
    lines += [f'within 20s peer got {BLOCK}', 'peer sends "!"'] * blocks
    lines.append('within 5s peer got "?"')
    while left:
        lines += ["within 20s peer unread 0", f"peer sends {min(left, AHEAD) * BLOCK}"]
        left -= min(left, AHEAD)
    return "\n".join(lines + ["within 20s pin B0 high driven", "pin B1 low driven", "pin B2 low driven", "end"]) + "\n"


def run(program, firmware, rate, passive, dialect, whole=True, limit=None):
    """Dict: status, log, overruns, and when all went well bytes each way and the seconds that they took, up and down."""
    with tempfile.TemporaryDirectory(prefix="cipmux-rates-") as folder:
        world, trace, report = (pathlib.Path(folder, name) for name in ("world", "trace", "report"))
        world.write_text(words(passive, whole))
        done = subprocess.run([program, "lab", "--speed=max", "--net=simulated", f"--world={world}", f"--watch={PINS}",
                               f"--dialect={dialect}", f"--trace={trace}", f"--report={report}",
                               os.path.join(firmware, f"volume-{rate}.elf")],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit)
        figures = json.loads(report.read_text())
        result = {"status": done.returncode, "log": done.stderr, "overruns": figures["overruns"]}
        if done.returncode == 0:
            pins = {record["text"]: record["time"] for record in map(json.loads, trace.read_text().splitlines())
                    if record["event"] == "pin"}
            result.update(bytes=BLOCKS[whole] * BLOCK, up=pins["B3 low"] - pins["B3 high"],
                          down=pins["B4 low"] - pins["B4 high"])
        return result
