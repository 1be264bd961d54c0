"""Fuzzes every target of the module for a budget of processor time, keeps the log.

	python3 test/fuzz_long.py [--minutes 2] [--riskiest 10] [--only REGEX] [--log docs/fuzzing.md]

With --only the log that is there is kept, and the run is added to it.

The budget counts user and system time of the fuzzing processes, not the wall: on
a busy machine a target gets what it was promised, later. The riskiest three
(RISKIEST) get the larger budget. Each target runs in rounds with one worker, and
each round goes on from the corpus of the one before. A target that fails stops,
its input lies in the package's testdata/fuzz, and the exit code is 1.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

# What reads the most hostile input with the most code of our own: files of any
# encoding and form, YAML, and replies that say themselves what they are.
RISKIEST = ["collect/files.FuzzFile", "collect/files.FuzzYAML", "collect/aws/catalog.FuzzExport"]
ROUND = 60  # seconds of wall


def targets():
    """Yields (package folder, target) of every fuzz function."""
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*_test.go"], check=True, capture_output=True, text=True)
    for path in sorted(out.stdout.split()):
        with open(path, encoding="utf-8") as f:
            for name in re.findall(r"^func (Fuzz\w+)\(", f.read(), re.M):
                yield os.path.dirname(path), name


def children():
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def fuzz(folder, name, budget, work):
    """Runs one target; returns (CPU s, executions, new inputs, what failed)."""
    binary = os.path.join(work, re.sub(r"\W", "_", folder) + ".test")
    if not os.path.exists(binary):
        subprocess.run(["go", "test", "-c", "-fuzz=.", "-o", binary, "./" + folder], check=True)
    cpu = execs = fresh = 0
    while cpu < budget:
        before = children()
        run = subprocess.run(
            [binary, "-test.run=^$", f"-test.fuzz=^{name}$", f"-test.fuzztime={ROUND}s", "-test.fuzzminimizetime=0", "-test.parallel=1",
             "-test.fuzzcachedir=" + os.path.join(work, "corpus", re.sub(r"\W", "_", folder))],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        spent = children() - before
        cpu += spent
        lines = run.stdout.splitlines()
        counts = [re.search(r"execs: (\d+).*new interesting: (\d+)", x) for x in lines]
        last = [c for c in counts if c]
        if last:
            execs += int(last[-1][1])
            fresh += int(last[-1][2])
        if run.returncode != 0 and "context deadline exceeded" in run.stdout and "Failing input" not in run.stdout:
            continue  # the end of the round met a worker at work: no input failed
        if run.returncode != 0:
            return cpu, execs, fresh, "\n".join(lines[-30:])
        if spent < 1:
            return cpu, execs, fresh, "the fuzzer did no work:\n" + run.stdout[-2000:]
    return cpu, execs, fresh, ""


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--minutes", type=float, default=2)
    p.add_argument("--riskiest", type=float, default=10)
    p.add_argument("--only", default="")
    p.add_argument("--log", default="docs/fuzzing.md")
    a = p.parse_args()
    commit = subprocess.run(["git", "describe", "--always", "--dirty=+"], check=True, capture_output=True, text=True).stdout.strip()
    version = subprocess.run(["go", "env", "GOVERSION"], check=True, capture_output=True, text=True).stdout.strip()
    began = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    todo = [t for t in targets() if re.search(a.only, ".".join(t))]
    missing = [r for r in RISKIEST if not a.only and r not in {".".join(t) for t in todo}]
    if missing:
        sys.exit(f"RISKIEST names no target: {missing}")
    rows, failures = [], []
    kept = ""
    if a.only and os.path.exists(a.log):
        with open(a.log, encoding="utf-8") as f:
            kept = f.read() + f"\n# Only {a.only}\n\n"

    def write():
        with open(a.log, "w", encoding="utf-8") as f:
            f.write(kept or "# The long fuzz run\n\n"
                    "Written by `python3 test/fuzz_long.py` (`make fuzz-long`). Every parser of outside input is fuzzed for\n"
                    f"{a.minutes:g} processor minutes, the riskiest three for {a.riskiest:g}, one worker each, from the seeds in the repository.\n"
                    "`make fuzz` runs each for ten seconds in CI.\n\n")
            f.write(f"Commit {commit}, {version}, from {began}, to {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}; {len(rows)} of {len(todo)} targets.\n\n"
                    "| target | CPU s | executions | new inputs | result |\n|---|---|---|---|---|\n")
            f.writelines(rows)
            for title, text in failures:
                f.write(f"\n## {title}\n\n```\n{text.strip()}\n```\n")

    with tempfile.TemporaryDirectory() as work:
        for folder, name in todo:
            label = f"{folder}.{name}"
            budget = 60 * (a.riskiest if label in RISKIEST else a.minutes)
            cpu, execs, fresh, bad = fuzz(folder, name, budget, work)
            rows.append(f"| {label} | {cpu:.0f} | {execs:,} | {fresh:,} | {'**failed**, below' if bad else 'clean'} |\n")
            if bad:
                failures.append((label, bad))
            print(rows[-1].strip(), flush=True)
            write()
    sys.exit(1 if failures else 0)


main()
