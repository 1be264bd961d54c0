#!/usr/bin/env bash
# The network engines and the reader of flow logs, and netpol-analyzer on the same
# manifests.
#
#	bench/network.sh OUT [aws] [kube] [flows] [peer]
#
# writes OUT/network-aws.json, network-kube.json, network-flows.json, and
# network-peer-PODS.json and network-ours-PODS.json. The peer is built by whoever has
# its source: NETPOL_ANALYZER is the program, NETPOL_ANALYZER_VERSION its version; where
# it is not set that part says so and is left out. RUNS (5) are of each,
# PEER_SIZES (100 300) the numbers of pods, each with 500 policies.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=${CGO_ENABLED:-0}
out=$1
shift
[ $# -gt 0 ] || set -- aws kube flows peer
runs=${RUNS:-5}
read -ra sizes <<<"${PEER_SIZES:-100 300}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
for part in "$@"; do
	case $part in
	aws | kube)
		python3 bench/gobench.py "$runs" "./steps/network/reach/$part" . >"$work/r"
		python3 bench/record.py "$work/r" >"$out/network-$part.json"
		;;
	flows)
		python3 bench/gobench.py "$runs" ./steps/network/flows 'Read|SmallFiles' >"$work/r"
		python3 bench/record.py "$work/r" >"$out/network-flows.json"
		;;
	peer)
		if [ ! -x "${NETPOL_ANALYZER:-}" ]; then
			echo "NETPOL_ANALYZER names no program: netpol-analyzer is not measured" >&2
			continue
		fi
		go build -o "$work/netpolgen" ./bench/netpolgen
		for n in "${sizes[@]}"; do
			rm -rf "$work/manifests"
			"$work/netpolgen" -pods "$n" -policies 500 -out "$work/manifests"
			python3 bench/measure.py -n "$runs" --name "$n" -- "$work/netpolgen" -decide "$work/manifests" >"$work/r"
			python3 bench/record.py "$work/r" >"$out/network-ours-$n.json"
			python3 bench/measure.py -n "$runs" --name "netpol-analyzer ${NETPOL_ANALYZER_VERSION:-unknown}" -- \
				"$NETPOL_ANALYZER" list --quiet --dirpath "$work/manifests" -f "$work/peer.txt" >"$work/r"
			python3 bench/record.py "$work/r" "pods=$n" >"$out/network-peer-$n.json"
			python3 - "$out/network-ours-$n.json" "$out/network-peer-$n.json" <<'P'
import json, sys
ours, peer = (json.load(open(p)) for p in sys.argv[1:3])
print(f"{ours['name']} pods: {ours['cpu_s']['min']:.2f} CPU s here, {peer['cpu_s']['min']:.2f} there: {peer['cpu_s']['min'] / max(ours['cpu_s']['min'], 0.001):.0f} times")
P
		done
		;;
	*)
		echo "no part $part: aws, kube, flows, peer" >&2
		exit 2
		;;
	esac
done
