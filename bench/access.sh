#!/usr/bin/env bash
# The policy engine over a made-up account whose roles hold AWS's own managed
# policies, and other tools on the same account.
#
#	bench/access.sh OUT [engine] [iam-simulate] [cloudsplaining]
#
# writes OUT/access.json, OUT/access-iam-simulate.json and
# OUT/access-cloudsplaining.json. The other tools are installed the first time,
# into bin/tools, which git ignores. RUNS (3) are of each,
# BENCH_SIZES the numbers of roles, PEER_ROLES (1000) those of cloudsplaining's.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=${CGO_ENABLED:-0}
out=$1
shift
[ $# -gt 0 ] || set -- engine iam-simulate cloudsplaining
runs=${RUNS:-3} roles=${PEER_ROLES:-1000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
go build -o "$work/accessgen" ./bench/accessgen

for who in "$@"; do
	case $who in
	engine)
		python3 bench/gobench.py "$runs" ./bench/accessgen . >"$work/result"
		python3 bench/record.py "$work/result" >"$out/access.json"
		;;
	iam-simulate)
		version=0.1.173
		tools=$PWD/bin/tools/iam-simulate-$version
		if [ ! -d "$tools/node_modules" ]; then
			mkdir -p "$tools"
			npm install --silent --no-save --prefix "$tools" "@cloud-copilot/iam-simulate@$version" >/dev/null
		fi
		"$work/accessgen" -n 1000 -form asked >"$work/asked.json"
		IAM_SIMULATE=$tools python3 bench/measure.py -n "$runs" --name "iam-simulate $version" -- \
			node bench/access_simulate.mjs "$work/asked.json" 400 "$work/said.json" >"$work/result"
		python3 bench/record.py "$work/result" "said=@$work/said.json" >"$out/access-iam-simulate.json"
		;;
	cloudsplaining)
		version=0.9.1 venv=bin/tools/cloudsplaining-0.9.1
		if [ ! -x "$venv/bin/cloudsplaining" ]; then
			python3 -m venv "$venv"
			"$venv/bin/pip" install -q --disable-pip-version-check "cloudsplaining==$version"
		fi
		"$work/accessgen" -n "$roles" -form authorization >"$work/account.json"
		mkdir -p "$work/report"
		python3 bench/measure.py -n "$runs" --name "cloudsplaining $version" --ok 0,1 -- \
			"$venv/bin/cloudsplaining" scan --input-file "$work/account.json" --output "$work/report" --skip-open-report >"$work/result"
		python3 bench/record.py "$work/result" "roles=$roles" >"$out/access-cloudsplaining.json"
		;;
	*)
		echo "no part $who: engine, iam-simulate, cloudsplaining" >&2
		exit 2
		;;
	esac
done
