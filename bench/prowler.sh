#!/usr/bin/env bash
# The same account of the AWS double read by Prowler and by sevenfold, the
# services both read: client CPU, peak memory, wall with the double's share.
#
#	bench/prowler.sh BINARY OUT [sevenfold] [prowler]
#
# writes OUT/sevenfold.json and OUT/prowler.json. Needs `make setup`; installs
# Prowler into a virtual environment of its own (bench/.venv) the first time.
# RUNS (5) are of sevenfold, PROWLER_RUNS (RUNS) of Prowler; PORT (8290) is the
# double's; PROWLER and VENV name other environments.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "$1") out=$2
shift 2
[ $# -gt 0 ] || set -- sevenfold prowler
runs=${RUNS:-5} version=5.46.0 port=${PORT:-8290} venv=$(realpath "${VENV:-test/.venv}") prowler=${PROWLER:-bench/.venv}

# What both read, in the names of each.
ours=s3+iam+sagemaker+ec2+kms+secretsmanager+rds+dynamodb+lambda+ecr+ecs+eks+cloudtrail+guardduty+glue+config
theirs=(s3 iam sagemaker ec2 vpc kms secretsmanager rds dynamodb awslambda ecr ecs eks cloudtrail guardduty glue config)

work=$(mktemp -d)
mkdir -p "$out"
cleanup() {
	kill "$moto" 2>/dev/null || true
	rm -rf "$work"
}
MOTO_IAM_LOAD_MANAGED_POLICIES=true "$venv/bin/moto_server" -H 127.0.0.1 -p "$port" >"$work/moto.log" 2>&1 &
moto=$!
trap cleanup EXIT
for _ in $(seq 300); do
	kill -0 "$moto" || { cat "$work/moto.log" >&2; exit 1; }
	curl -sf "http://127.0.0.1:$port/moto-api/" >/dev/null && break
	sleep 0.2
done
(cd test/moto && "$venv/bin/python" -m fill --endpoint "http://127.0.0.1:$port" --twin faulty >/dev/null)
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=eu-west-1 AWS_ENDPOINT_URL="http://127.0.0.1:$port"

for who in "$@"; do
	case $who in
	sevenfold)
		python3 bench/measure.py -n "$runs" --name "sevenfold assess" --ok 0,1,3 --server "$moto" -- \
			"$bin" assess --state "$work/state" --format json --source "aws:regions=eu-west-1,services=$ours" >"$work/result"
		;;
	prowler)
		if [ ! -x "$prowler/bin/prowler" ]; then
			python3 -m venv "$prowler"
			"$prowler/bin/pip" install -q --disable-pip-version-check "prowler==$version"
		fi
		[[ $("$prowler/bin/prowler" -v 2>/dev/null) == *" $version"* ]] || { echo "$prowler is not Prowler $version" >&2; exit 1; }
		python3 bench/measure.py -n "${PROWLER_RUNS:-$runs}" --name "Prowler $version" --ok 0,3 --server "$moto" -- \
			"$prowler/bin/prowler" aws -s "${theirs[@]}" --region eu-west-1 -M csv --output-directory "$work/out" --no-banner >"$work/result"
		;;
	*)
		echo "neither sevenfold nor prowler: $who" >&2
		exit 2
		;;
	esac
	python3 bench/record.py "$work/result" "services=${ours//+/, }" >"$out/$who.json"
done
