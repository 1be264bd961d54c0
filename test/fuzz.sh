#!/usr/bin/env bash
# Runs the fuzz targets of the module for the time given each (default 10s), two at
# a time with one worker each, and fails if one fails. A package's targets share
# one binary, since linking it costs more than a short run.
#
#	fuzz.sh [TIME] [I/N]
#
# With I/N it runs one share of N: every N-th target, from the I-th on. The shares
# of one N are all targets, so that whoever counts I up runs each of them in turn.
set -euo pipefail
time=${1:-10s}
share=${2:-0/1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=$(go env GOCACHE)/fuzz

go list -f '{{.ImportPath}} {{.Dir}}' ./... | while read -r pkg dir; do
	{ grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go 2>/dev/null || true; } | sed 's/^func //' | while read -r target; do
		echo "$pkg $dir $target"
	done
done | sort | awk -v i="${share%/*}" -v n="${share#*/}" 'NR % n == i % n' >"$work/targets"
[ -s "$work/targets" ] || { echo "fuzz.sh: no target found: share $share" >&2; exit 1; }

cut -d' ' -f1 "$work/targets" | sort -u | while read -r pkg; do
	go test -c -fuzz=. -o "$work/$(tr / _ <<<"$pkg").test" "$pkg" </dev/null
done

# one PKG DIR TARGET: its output is shown when it ends, whole. Inputs are not minimized: each
# that finds something new may take a minute for that, which is the whole of a short run.
one() {
	local log="$work/$(tr / _ <<<"$1").$3.log" code=0
	(cd "$2" && "$work/$(tr / _ <<<"$1").test" -test.run '^$' -test.fuzz "^$3\$" -test.fuzztime "$time" -test.fuzzminimizetime 0 -test.parallel 1 -test.fuzzcachedir "$cache/$1") >"$log" 2>&1 </dev/null || code=$?
	if [ "$code" != 0 ]; then
		cat "$log"
		echo "FAIL fuzz $1 $3"
		return 1
	fi
	echo "fuzz $1 $3: $(grep -o 'execs: [0-9]*' "$log" | tail -1)"
}
export -f one
export work time cache
xargs -P 2 -L 1 bash -c 'one "$@"' _ <"$work/targets"
