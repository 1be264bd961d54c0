"""Runs a command several times and prints what it cost, as one JSON object.

    python3 bench/measure.py [-n 5] [--name NAME] [--ok 0,1,3] [--server PID] -- COMMAND…

CPU seconds are the user and system time of the command and its children;
memory is the largest resident set of any one process. Both are the operating
system's own accounts (wait4), so a server the command talks to is not counted;
--server PID states that server's CPU seconds during each run beside them.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

COLUMNS = ("wall_s", "cpu_s", "peak_mib", "server_cpu_s")


def server_cpu(pid):
    """CPU seconds a running process has used, its ended children not counted."""
    if not pid:
        return 0.0
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def once(command, ok, server, log):
    """One run, by COLUMNS."""
    before = server_cpu(server)
    start = time.monotonic()
    with open(log, "w+b") as err:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        code = os.waitstatus_to_exitcode(status)
        if code not in ok:
            err.seek(max(0, err.tell() - 2000))
            sys.exit(f"{command[0]} ended with {code}:\n{err.read().decode(errors='replace')}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, server_cpu(server) - before


def summary(runs):
    """Minimum, median and all values of each column."""
    out = {}
    for i, what in enumerate(COLUMNS):
        column = [round(r[i], 3) for r in runs]
        out[what] = {"min": min(column), "median": round(statistics.median(column), 3), "all": column}
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-n", type=int, default=5)
    p.add_argument("--name", default="")
    p.add_argument("--ok", default="0")
    p.add_argument("--server", type=int, default=0)
    p.add_argument("command", nargs=argparse.REMAINDER)
    args = p.parse_args()
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    ok = {int(c) for c in args.ok.split(",")}
    runs, load = [], [os.getloadavg()[0]]
    log = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"measure-{os.getpid()}.log")
    try:
        for _ in range(args.n):
            runs.append(once(command, ok, args.server, log))
            load.append(os.getloadavg()[0])
    finally:
        os.unlink(log)
    out = {"name": args.name or command[0], "runs": args.n, "load": [round(min(load), 1), round(max(load), 1)]}
    print(json.dumps(out | summary(runs)))


main()
