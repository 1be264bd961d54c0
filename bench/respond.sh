#!/usr/bin/env bash
# Playbooks: kills of a real process at random points, a thousand runs at the same time,
# and a tabletop made for an estate of 100,000 assets.
#
#	bench/respond.sh OUT [kills] [playbooks] [exercise]
#
# writes OUT/respond-PART.json. KILLS (500) are made in all; RUNS (5) are of the others.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=${CGO_ENABLED:-0}
out=$1
shift
[ $# -gt 0 ] || set -- kills playbooks exercise
runs=${RUNS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
for part in "$@"; do
	case $part in
	kills)
		KILLS=${KILLS:-500} go test ./steps/respond/playbook -run TestKilledAtRandomPoints -count 1 -v -timeout 60m >"$work/kills"
		python3 - "$work/kills" >"$work/r" <<'P'
import json, os, re, sys
kills, over, found = re.search(r"(\d+) kills over (\d+) runs, (\d+) calls", open(sys.argv[1]).read()).groups()
print(json.dumps({"runs": 1, "load": [round(os.getloadavg()[0], 2)] * 2, "kills": int(kills), "playbooks": int(over), "recovered": int(found)}))
P
		;;
	playbooks) python3 bench/gobench.py "$runs" ./steps/respond/playbook ThousandRuns >"$work/r" ;;
	exercise) python3 bench/gobench.py "$runs" ./steps/respond Exercise >"$work/r" ;;
	*)
		echo "no part $part: kills, playbooks, exercise" >&2
		exit 2
		;;
	esac
	python3 bench/record.py "$work/r" >"$out/respond-$part.json"
done
