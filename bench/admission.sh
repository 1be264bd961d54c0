#!/usr/bin/env bash
# Measures what the gate adds to a request in a cluster: RUNS runs of
# BenchmarkAdmission on the API server of test/kube.
#
#	bench/admission.sh FOLDER
#
# Idle cores matter: the API server, etcd, the gate and the client share them.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:?the folder the result goes to}
mkdir -p "$out"
result=$(mktemp)
trap 'rm -f "$result"' EXIT
python3 bench/gobench.py "${RUNS:-5}" ./test/admission Admission >"$result"
python3 bench/record.py "$result" >"$out/admission.json"
