#!/usr/bin/env bash
# Measures everything that docs/benchmarks.md states and writes that file.
#
#	bench/run.sh [start] [estate] [assess] [graph] [prowler] [plan] [admission] [access] [drift] [network] [rules] [detect] [respond] [render]
#
# Without arguments all parts run, which takes about half an hour on two idle
# cores. A part that is run alone replaces its own lines and leaves the others,
# each line bearing the commit and load it was measured at. Results lie in
# bench/out. RUNS=5 is how often each thing is done, MILLION_RUNS=1 how often
# the largest estate is judged, SIZES the sizes.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=${CGO_ENABLED:-0}
runs=${RUNS:-5} out=bench/out bin=bench/out/sevenfold
read -ra sizes <<<"${SIZES:-1000 10000 100000 200000 1000000}"
[ $# -gt 0 ] || set -- start estate graph prowler plan admission access drift network rules detect respond render
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The same flags as `make build`.
go build -trimpath=false -ldflags '-s -w' -o "$bin" ./cmd/sevenfold

start() {
	python3 bench/measure.py -n "$runs" --name "sevenfold --help" -- "$bin" --help >"$work/r"
	python3 bench/record.py "$work/r" >"$out/start.json"
}

estate() {
	go build -o "$work/estategen" ./bench/estategen
	for n in "${sizes[@]}"; do
		local times=$runs
		[ "$n" -lt 1000000 ] || times=${MILLION_RUNS:-1}
		"$work/estategen" -n "$n" -state "$work/state" >"$work/made"
		python3 bench/measure.py -n "$times" --name "$n" --ok 0,1,3 -- \
			"$bin" audit --snapshot latest --state "$work/state" --format json --out "$work/report.json" >"$work/r"
		python3 bench/record.py "$work/r" "made=@$work/made" "findings=#$work/report.json" "stored_mib=$(du -m "$work/state/sevenfold.db" | cut -f1)" >"$out/estate-$n.json"
		rm -rf "$work/state"
	done
}

# All steps over the estate of a hundred thousand. Asked for by name only.
assess() {
	go build -o "$work/estategen" ./bench/estategen
	"$work/estategen" -n 100000 -state "$work/state" >/dev/null
	python3 bench/measure.py -n "$runs" --name assess --ok 0,1,3 -- \
		"$bin" assess --snapshot latest --state "$work/state" --format json --out "$work/report.json" >"$work/r"
	python3 bench/record.py "$work/r" >"$out/assess-100000.json"
	rm -rf "$work/state"
}

graph() {
	python3 bench/gobench.py "$runs" ./estate Million >"$work/r"
	python3 bench/record.py "$work/r" >"$out/graph.json"
}

prowler() { RUNS=$runs bench/prowler.sh "$bin" "$out"; }

# Plans by themselves, and one over a large estate.
plan() {
	go build -o "$work/plangen" ./bench/plangen
	go build -o "$work/estategen" ./bench/estategen
	for n in 200 2000 20000; do
		"$work/plangen" -n "$n" >"$work/plan.json"
		python3 bench/measure.py -n "$runs" --name "$n" --ok 0,1,3 -- \
			"$bin" gate plan "$work/plan.json" --alone --state "$work/planstate" --format json --out "$work/answer.json" >"$work/r"
		python3 bench/record.py "$work/r" base=0 >"$out/plan-$n.json"
	done
	"$work/plangen" -n 2000 >"$work/plan.json"
	"$work/estategen" -n 100000 -state "$work/planstate2" >/dev/null
	python3 bench/measure.py -n "$runs" --name 2000 --ok 0,1,3 -- \
		"$bin" gate plan "$work/plan.json" --snapshot latest --state "$work/planstate2" --format json --out "$work/answer.json" >"$work/r"
	python3 bench/record.py "$work/r" base=100000 >"$out/plan-2000-over.json"
}

admission() { RUNS=$runs bench/admission.sh "$out"; }

# The policy engine, and two peers on the same account.
access() { RUNS=$runs bench/access.sh "$out"; }

# The network engines, the reader of flow logs, and a peer where its program is named.
network() { RUNS=$runs bench/network.sh "$out"; }

# The readers of events, the rule engine and the stream.
rules() { RUNS=$runs bench/rules.sh "$out"; }
# Detection under load for DURATION seconds (20; 600 are promised), and models of
# others beside it.
detect() { bench/detect.sh "$bin" "$out"; }
respond() { RUNS=$runs bench/respond.sh "$out"; }

# Two days of one estate compared, and what a day adds to a state.
drift() {
	python3 bench/gobench.py "$runs" ./bench/estategen Drift >"$work/r"
	python3 bench/record.py "$work/r" >"$out/drift.json"
}

render() { python3 bench/render.py "$out" >docs/benchmarks.md; }

for part in "$@"; do
	case $part in
	start | estate | assess | graph | prowler | plan | admission | access | drift | network | rules | detect | respond) "$part" ;;
	render) ;;
	*)
		echo "no part $part: start, estate, assess, graph, prowler, plan, admission, access, drift, network, rules, detect, respond, render" >&2
		exit 2
		;;
	esac
done
render
