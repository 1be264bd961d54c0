#!/usr/bin/env bash
# Assesses the example estate, prints the report, writes the page, and exits 0
# when the verdict is the expected one. Usage: demo.sh SEVENFOLD
set -euo pipefail
sevenfold=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")/.."
out=${DEMO_OUT:-dist/harbour}
mkdir -p "$out"
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT

assess() { "$sevenfold" assess -c examples/harbour/sevenfold.yaml --state "$state" "$@"; }

code=0
assess || code=$?
assess --format html --out "$out/report.html" || [ $? -eq "$code" ]
assess --format json --out "$out/report.json" || [ $? -eq "$code" ]
echo
echo "page:   $out/report.html"

# The verdict of each workload, beside what is expected of it.
python3 - "$out/report.json" examples/harbour-expected.json "$code" <<'P'
import json, sys
report, expected = (json.load(open(p)) for p in sys.argv[1:3])
got = {w["name"]: w["verdict"] for w in report["workloads"]}
wrong = [f"{n}: {got.get(n, 'not found')}, expected {v}" for n, v in expected["verdicts"].items() if got.get(n) != v]
if int(sys.argv[3]) != expected["exit"]:
    wrong.append(f"exit code {sys.argv[3]}, expected {expected['exit']}")
print("demo:   " + ("; ".join(wrong) if wrong else f"the verdict is the expected one: exit {expected['exit']}, " + ", ".join(f"{n} {v}" for n, v in expected["verdicts"].items())))
sys.exit(1 if wrong else 0)
P
