"""Runs Go benchmarks, one iteration each or as long as BENCHTIME says, and prints minimum and median of every
figure they report, as one JSON object.

    python3 bench/gobench.py RUNS PACKAGE PATTERN
"""

import json
import os
import re
import statistics
import subprocess
import sys

LINE = re.compile(r"^Benchmark([\w/]+?)(?:-\d+)?\s+\d+\s+(.*)$")


def main():
    runs, package, pattern = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    load = [os.getloadavg()[0]]
    done = subprocess.run(("go", "test", package, "-run", "^$", "-bench", pattern, "-benchtime", os.environ.get("BENCHTIME", "1x"), "-count", str(runs), "-timeout", "60m"),
                          capture_output=True, text=True, check=False)
    load.append(os.getloadavg()[0])
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    values = {}
    for line in done.stdout.splitlines():
        if m := LINE.match(line):
            pairs = m[2].split()
            for value, unit in zip(pairs[::2], pairs[1::2], strict=True):
                values.setdefault(m[1], {}).setdefault(unit, []).append(float(value))
    figures = {name: {unit: {"min": min(v), "median": statistics.median(v), "all": v} for unit, v in units.items()} for name, units in values.items()}
    print(json.dumps({"name": package, "runs": runs, "load": [round(min(load), 1), round(max(load), 1)], "figures": figures}))


main()
