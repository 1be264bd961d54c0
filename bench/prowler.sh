#!/usr/bin/env bash
# The same account of the AWS double read by Prowler and by sevenfold, the
# services both read: client CPU, peak memory, wall. Prints a Markdown table.
# Needs `make setup build`; installs Prowler into a virtual environment of its
# own (bench/.venv) the first time. RUNS=5 by default.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-5} prowler=5.46.0 port=${PORT:-5987}
services=(s3 iam sagemaker ec2 kms secretsmanager rds dynamodb awslambda ecr eks cloudtrail guardduty)
[ -x bench/.venv/bin/prowler ] || { python3 -m venv bench/.venv && bench/.venv/bin/pip install -q "prowler==$prowler"; }
work=$(mktemp -d)
MOTO_IAM_LOAD_MANAGED_POLICIES=true test/.venv/bin/moto_server -H 127.0.0.1 -p "$port" >"$work/moto.log" 2>&1 &
moto=$!
trap 'kill $moto; rm -rf "$work"' EXIT
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/moto-api/" >/dev/null && break; sleep 0.2; done
(cd test/moto && ../.venv/bin/python -m fill --endpoint "http://127.0.0.1:$port" --twin faulty >/dev/null)
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=eu-west-1 AWS_ENDPOINT_URL="http://127.0.0.1:$port"

cpu() { awk '{print $14+$15}' "/proc/$moto/stat"; }
measure() { # name, ok codes, command…
	local before after
	before=$(cpu)
	python3 bench/measure.py -n "$runs" --name "$1" --ok "$2" -- "${@:3}" >"$work/$1.json"
	after=$(cpu)
	echo "$(((after - before) * 10 / runs))" >"$work/$1.moto"
}
measure sevenfold 0,1,3 bin/sevenfold assess --state "$work/state" --format json \
	--source "aws:regions=eu-west-1,services=$(IFS=+; echo "${services[*]/awslambda/lambda}")"
measure prowler 0,1,3 bench/.venv/bin/prowler aws -s "${services[@]}" --region eu-west-1 -M csv --output-directory "$work/out" --no-banner
python3 - "$work" "$prowler" "$(git rev-parse --short HEAD)" <<'P'
import json, sys
work, version, commit = sys.argv[1:]
s, p = (json.load(open(f"{work}/{n}.json")) for n in ("sevenfold", "prowler"))
moto = {n: int(open(f"{work}/{n}.moto").read()) / 1000 for n in ("sevenfold", "prowler")}
print(f"commit {commit}, Prowler {version}, {s['runs']} runs each, load {s['load']}/{p['load']}, min / median\n")
print("| | sevenfold | Prowler | Prowler ÷ sevenfold (min) |\n|---|---|---|---|")
for key, name in (("cpu_s", "client CPU s"), ("peak_mib", "peak MiB"), ("wall_s", "wall s")):
    a, b = s[key], p[key]
    print(f"| {name} | {a['min']} / {a['median']} | {b['min']} / {b['median']} | {b['min'] / a['min']:.1f} |")
print(f"| of the wall, the double's CPU s a run | {moto['sevenfold']} | {moto['prowler']} | |")
P
