"""Adds to a measurement what it was made on, and prints it.

    python3 bench/record.py RESULT.json [KEY=VALUE]…

VALUE is text, @FILE the JSON in a file, #FILE how many findings a report has of
each status. The commit bears a + if files of the product differed from it.
"""

import datetime
import json
import os
import platform
import subprocess
import sys


def git(*args):
    return subprocess.run(("git", *args), capture_output=True, text=True, check=True).stdout.strip()


def machine():
    """Cores, memory in GiB and processor name."""
    model = platform.machine()
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cores": os.cpu_count(), "memory_gib": round(memory, 1), "processor": model, "system": platform.system() + " " + platform.release()}


def value(text):
    """What stands after KEY=."""
    if text[:1] not in ("@", "#"):
        return text
    with open(text[1:]) as f:
        content = json.load(f)
    if text[0] == "@":
        return content
    found = {"workloads": len(content["workloads"])}
    for finding in content["findings"]:
        found[finding["status"]] = found.get(finding["status"], 0) + 1
    return found


def main():
    with open(sys.argv[1]) as f:
        result = json.load(f)
    dirty = git("status", "--porcelain", "--untracked-files=no", "--", "*.go", "controls", "go.mod")
    result["commit"] = git("rev-parse", "--short", "HEAD") + ("+" if dirty else "")
    result["when"] = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    result["machine"] = machine()
    for arg in sys.argv[2:]:
        key, _, text = arg.partition("=")
        result[key] = value(text)
    print(json.dumps(result))


main()
