#!/usr/bin/env bash
# How good and how fast the scanner of the data step is. Writes docs/data-quality.md, and
# steps/data/scan/recall.txt, which promises rest on.
#
#	SEVENFOLD_CORPORA=DIR SEVENFOLD_MODELS=DIR bench/data.sh
#
# DIR holds presidio-research/synth_dataset_v2.json.gz, and the model that make models
# installs; without them names and the outside corpus are said to be not measured. RUNS
# (6) are of each speed; the best counts, since others may share the machine.
set -euo pipefail
cd "$(dirname "$0")/.."
export SEVENFOLD_QUALITY=1
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go test ./steps/data/scan -count 1 -timeout 30m -v -run 'QualityOnPresidio|NearMisses|Classes|GeneratedSpans' >"$work/quality" || failed=$? # its figures are told all the same, and this fails at the end
go test ./steps/data/scan -run xxx -bench 'Dense$|Ordinary$|Object|BareParquet' -benchtime "${BENCHTIME:-300ms}" -count "${RUNS:-6}" >"$work/speed"
python3 bench/data.py "$work/quality" "$work/speed" "$(git rev-parse --short HEAD)" "$(date -u +%F)" >"$work/page"
mv "$work/page" docs/data-quality.md
exit "$failed"
