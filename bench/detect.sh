#!/usr/bin/env bash
# Detection under load: `sevenfold detect run` takes what it is sent over HTTP as
# fast as it can, stores it, matches the rules shipped, learns and archives, while
# attacks among it are timed until their incident is told.
#
#	bench/detect.sh SEVENFOLD OUT [load] [others]
#
# load: with 1, 10 and 100 times the principals, on the stream of the process,
# and once on a NATS cluster of three. DURATION (20) seconds each; 600 for the ten
# minutes that are promised. OUT/detect-load-TIMES-NODES.json.
#
# others: River, PyOD and isolation forest beside it on the same stream, in
# the versions of bench/detect-requirements.lock. SEVENFOLD_CORPORA is wanted.
set -euo pipefail
bin=$(realpath "$1") out=$(realpath "$2")
cd "$(dirname "$0")/.."
shift 2
[ $# -gt 0 ] || set -- load others
export CGO_ENABLED=${CGO_ENABLED:-0}
duration=${DURATION:-20}
work=$(mktemp -d)
nodes=()
finish() {
	for p in "${nodes[@]}"; do kill "$p" 2>/dev/null || true; done
	rm -rf "$work"
}
trap finish EXIT

# one TIMES NODES [ARGUMENT…]
one() {
	local times=$1 count=$2
	shift 2
	rm -rf "$work/state"
	cp -r "$work/learnt" "$work/state"
	(cd "$work" && ./detectload -sevenfold "$bin" -state "$work/state" -duration "${duration}s" -times "$times" "$@") >"$work/r"
	python3 bench/record.py "$work/r" "duration=$duration" "load=$(cut -d' ' -f1 /proc/loadavg)" >"$out/detect-load-$times-$count.json"
	rm -rf "$work/state"
}

# A cluster of three on free ports of this machine.
cluster() {
	go build -o "$work/nats-server" github.com/nats-io/nats-server/v2
	local ports routes=""
	read -ra ports <<<"$(python3 -c 'import socket
s = [socket.socket() for _ in range(6)]
for x in s: x.bind(("127.0.0.1", 0))
print(*(x.getsockname()[1] for x in s))')"
	for i in 3 4 5; do routes+=",nats://127.0.0.1:${ports[$i]}"; done
	url=""
	for i in 0 1 2; do
		"$work/nats-server" -js -sd "$work/node$i" -n "node$i" -a 127.0.0.1 -p "${ports[$i]}" -cluster_name bench \
			-cluster "nats://127.0.0.1:${ports[$((i + 3))]}" -routes "${routes#,}" -c bench/detect-node.conf >"$work/node$i.log" 2>&1 &
		nodes+=($!)
		url+=",nats://127.0.0.1:${ports[$i]}"
	done
	url=${url#,}
	for _ in $(seq 100); do
		if grep -q "JetStream cluster new metadata leader\|Self is new JetStream cluster metadata leader" "$work"/node*.log; then return; fi
		sleep 0.2
	done
	echo "the cluster found no leader" >&2
	tail -n 5 "$work"/node*.log >&2
	return 1
}

load() {
	go build -o "$work/detectload" ./bench/detectload
	go build -o "$work/orggen" ./test/org/orggen
	"$work/orggen" -out "$work/logs" -days 20 -seed 1 -begin 1980-01-07
	local code=0
	(cd "$work" && "$bin" detect learn logs --state "$work/learnt" >"$work/learn.log" 2>&1) || code=$?
	if [ "$code" -ne 0 ]; then # 3 would be a baseline that tells nothing
		cat "$work/learn.log" >&2
		return 1
	fi
	rm -rf "$work/logs"
	for times in ${TIMES:-1 10 100}; do one "$times" 1; done
	cluster
	one 1 3 -stream "$url" -replicas 3 -nodes "$(IFS=,; echo "${nodes[*]}")"
}

others() {
	python3 -m venv "$work/venv"
	"$work/venv/bin/pip" install -q --require-hashes -r bench/detect-requirements.lock
	go run ./bench/detect/features -out "$work/features" -seeds "${SEEDS:-21,22,23}"
	"$work/venv/bin/python" bench/detect_others.py "$work/features" >"$work/r"
	python3 bench/record.py "$work/r" >"$out/detect-others.json"
}

for part in "$@"; do "$part"; done
