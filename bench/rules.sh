#!/usr/bin/env bash
# The readers of events, the rule engine, the stream and its archive, and the
# whole way from bytes to matched rules.
#
#	bench/rules.sh OUT [decode] [sigma] [stream] [ingest]
#
# writes OUT/rules-PART.json. CORPUS, a folder of unpacked CloudTrail files, and
# SEVENFOLD_SIGMAHQ, a checkout of SigmaHQ/sigma, make the input that of the
# public; without them it is made up. RUNS (5) are of each.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=${CGO_ENABLED:-0} BENCHTIME=${BENCHTIME:-1s} SEVENFOLD_CORPORA_UNPACKED=${CORPUS:-}
out=$1
shift
[ $# -gt 0 ] || set -- decode sigma stream ingest
runs=${RUNS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
for part in "$@"; do
	case $part in
	decode) package=./steps/detect/ocsf pattern='Decode|Reader' ;;
	sigma) package=./steps/detect/sigma pattern=Rules ;;
	stream) package=./stream pattern='Publish|Archive' ;;
	ingest) package=./assess pattern=DetectRun ;;
	*)
		echo "no part $part: decode, sigma, stream, ingest" >&2
		exit 2
		;;
	esac
	python3 bench/gobench.py "$runs" "$package" "$pattern" >"$work/r"
	python3 bench/record.py "$work/r" >"$out/rules-$part.json"
done
