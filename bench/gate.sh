#!/usr/bin/env bash
# The gate's figures: what it adds to a request in a cluster, what a plan costs, and
# paths and scores over large estates. Writes docs/gate-figures.md.
#
#	RUNS=5 bench/gate.sh [FOLDER]
#
# Idle cores matter for what is told in wall time. FOLDER keeps the results.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=${1:-$work/out}
mkdir -p "$out"
go build -o "$work/sevenfold" ./cmd/sevenfold
go build -o "$work/plangen" ./bench/plangen
"$work/plangen" -n 2000 >"$work/plan.json"
python3 bench/measure.py -n "$runs" --name 2000 --ok 0,1,3 -- \
	"$work/sevenfold" gate plan "$work/plan.json" --alone --state "$work/state" --format json --out "$work/answer.json" >"$work/r"
python3 bench/record.py "$work/r" base=0 >"$out/plan-2000.json"
python3 bench/gobench.py "$runs" ./risk Survey >"$work/r"
python3 bench/record.py "$work/r" >"$out/risk.json"
RUNS=$runs bench/admission.sh "$out"
python3 bench/gate.py "$out" >docs/gate-figures.md
