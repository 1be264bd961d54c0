"""Runs a command several times and prints what it cost, as one JSON line.

    python3 bench/measure.py [-n 5] [--name NAME] [--ok 0,1,3] -- COMMAND…

CPU seconds are the children's user and system time; memory is the largest
resident set of any one process, in MiB. Both are the operating system's own
accounts (wait4), so a server the command talks to is not counted.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def once(command, ok):
    """One run: wall seconds, CPU seconds, peak MiB."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    code = os.waitstatus_to_exitcode(status)
    if code not in ok:
        sys.exit(f"{command[0]} ended with {code}:\n{error.decode(errors='replace')[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-n", type=int, default=5)
    p.add_argument("--name", default="")
    p.add_argument("--ok", default="0")
    p.add_argument("command", nargs=argparse.REMAINDER)
    args = p.parse_args()
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    ok = {int(c) for c in args.ok.split(",")}
    runs = [once(command, ok) for _ in range(args.n)]
    out = {"name": args.name or command[0], "runs": args.n, "load": round(os.getloadavg()[0], 2)}
    for i, what in enumerate(["wall_s", "cpu_s", "peak_mib"]):
        column = [r[i] for r in runs]
        out[what] = {"min": round(min(column), 3), "median": round(statistics.median(column), 3)}
    print(json.dumps(out))


main()
