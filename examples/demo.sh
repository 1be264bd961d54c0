#!/usr/bin/env bash
# Assesses the example estate, prints the report, writes the page; then asks the
# gate for growth twice: as things are, and after a fix. Exits 0 when verdicts and
# answers are the expected ones. Usage: demo.sh SEVENFOLD
set -euo pipefail
sevenfold=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")/.."
out=${DEMO_OUT:-dist/harbour}
mkdir -p "$out"
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT

assess() { "$sevenfold" assess -c examples/harbour/sevenfold.yaml --state "$state" "$@"; }

code=0
assess || code=$?
echo
echo "── The estate as it is becomes the baseline: what is open is taken over by name, and goes on failing its line ──"
"$sevenfold" baseline approve --accept-open -c examples/harbour/sevenfold.yaml --state "$state"
assess --format html --out "$out/report.html" || [ $? -eq "$code" ]
assess --format json --out "$out/report.json" || [ $? -eq "$code" ]
echo
echo "page:   $out/report.html"

# The verdict of each workload, beside what is expected of it.
python3 - "$out/report.json" examples/harbour-expected.json "$code" <<'P'
import json, sys
report, expected = (json.load(open(p)) for p in sys.argv[1:3])
got = {w["name"]: w["verdict"] for w in report["workloads"]}
wrong = [f"{n}: {got.get(n, 'not found')}, expected {v}" for n, v in expected["verdicts"].items() if got.get(n) != v]
if int(sys.argv[3]) != expected["exit"]:
    wrong.append(f"exit code {sys.argv[3]}, expected {expected['exit']}")
print("demo:   " + ("; ".join(wrong) if wrong else f"the verdict is the expected one: exit {expected['exit']}, " + ", ".join(f"{n} {v}" for n, v in expected["verdicts"].items())))
sys.exit(1 if wrong else 0)
P

# expect CODE COMMAND…: shows a command, runs it, and ends the demo unless it exits with
# the code expected.
expect() {
	local want=$1 code=0
	shift
	echo
	echo "\$ sevenfold $*" | sed "s#$work/##g"
	"$sevenfold" "$@" || code=$?
	[ "$code" = "$want" ] || { echo "demo:   exit code $code, expected $want" >&2; exit 1; }
}

work=$(mktemp -d)
trap 'rm -rf "$state" "$work"' EXIT
echo
echo "── From a notebook to administrator, and the policy that cuts the way ──"
expect 1 access escalations --principal user/joao.teles --cut -c examples/harbour/sevenfold.yaml --state "$state"
code=0
"$sevenfold" access escalations --principal user/joao.teles --cut --format json --out "$work/ways.json" -c examples/harbour/sevenfold.yaml --state "$state" || code=$?
[ "$code" = 1 ]
cp -R examples/harbour "$work/cut"
python3 - "$work/ways.json" "$work/cut/111122223333/iam/get-account-authorization-details.json" <<'P'
import json, sys
cut = json.load(open(sys.argv[1]))["cuts"][0]
details = json.load(open(sys.argv[2]))
user = next(u for u in details["UserDetailList"] if u["Arn"] == cut["principal"])
user.setdefault("UserPolicyList", []).append({"PolicyName": "no-way-to-administrator", "PolicyDocument": cut["document"]})
json.dump(details, open(sys.argv[2], "w"), indent=2)
P
echo
echo "── The same question of a copy of the estate in which he has that policy ──"
expect 0 access escalations --principal user/joao.teles -c "$work/cut/sevenfold.yaml" --state "$work/cutstate"

echo
echo "── From training to what serves, by the peering; and the rule and the policies that cut it ──"
expect 0 network can i-0a11000000000090 quay-llm -c examples/harbour/sevenfold.yaml --state "$state"
expect 1 network matrix -c examples/harbour/sevenfold.yaml --state "$state"
code=0
"$sevenfold" network recommend --format json --out "$work/advice.json" -c examples/harbour/sevenfold.yaml --state "$state" || code=$?
[ "$code" = 1 ]
cp -R examples/harbour "$work/parted"
python3 examples/growth/part.py "$work/advice.json" "$work/parted"
echo
echo "── The same question of a copy of the estate in which that rule is gone ──"
expect 1 network can i-0a11000000000090 quay-llm -c "$work/parted/sevenfold.yaml" --state "$work/partedstate"

echo
echo "── The supply chain: the model that eta-score loads, after somebody has put one in its place that runs a command ──"
python3 examples/growth/poison.py "$work/model.tar.gz"
expect 1 supply scan "$work/model.tar.gz" --of s3://harbour-models/eta/eta-train-2026-11-10/output/model.tar.gz --state "$work/supplystate"
cp -R examples/harbour "$work/shipped"
python3 - "$work/shipped/444455556666/iam/get-account-authorization-details.json" <<'P'
import json, sys
details = json.load(open(sys.argv[1]))
role = next(r for r in details["RoleDetailList"] if r["RoleName"] == "eta-serving")
role["RolePolicyList"][0]["PolicyDocument"]["Statement"].append({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::harbour-manifests/*"})
json.dump(details, open(sys.argv[1], "w"), indent=2)
P
expect 1 supply eta-score -c "$work/shipped/sevenfold.yaml" --state "$work/supplystate"

echo
echo "── What lies in the manifests, and where it goes: crew lists through training into a model, an endpoint, and a capture that nobody approved ──"
code=0
"$sevenfold" data scan examples/harbour-content/harbour-manifests --of s3://harbour-manifests -c examples/harbour/sevenfold.yaml --state "$state" || code=$?
[ "$code" = 0 ] || [ "$code" = 3 ] # 3 without the model for names
expect 1 data flows -c examples/harbour/sevenfold.yaml --state "$state" --snapshot latest
echo
echo "── From the poisoned model to the crew lists, as one path ──"
"$sevenfold" supply scan "$work/model.tar.gz" --of s3://harbour-models/eta/eta-train-2026-11-10/output/model.tar.gz --state "$work/shippedstate" > /dev/null || [ $? = 1 ]
"$sevenfold" data scan examples/harbour-content/harbour-manifests --of s3://harbour-manifests -c "$work/shipped/sevenfold.yaml" --state "$work/shippedstate" > /dev/null || [ $? = 3 ]
expect 1 risk paths --from output/model.tar.gz --to harbour-manifests --fixes 1 -c "$work/shipped/sevenfold.yaml" --state "$work/shippedstate"
expect 1 data retention -c examples/harbour/sevenfold.yaml --state "$state" --snapshot latest | sed -n 1,9p

echo
echo "── Seventeen ordinary days are learnt; on the eighteenth somebody else has the notebook's role ──"
python3 examples/growth/days.py "$work/logs"
expect 0 detect learn "$work/logs/days" -c examples/harbour/sevenfold.yaml --state "$state"
(expect 1 detect run "$work/logs/today" -c examples/harbour/sevenfold.yaml --state "$state") > "$work/run" 2>&1 || { cat "$work/run"; exit 1; }
incident=$(grep -oE '^I-[0-9a-f]+  (high|critical)' "$work/run" | cut -d' ' -f1)
[ "$(wc -w <<<"$incident")" = 1 ] || { cat "$work/run"; echo "demo:   not one grave incident: $incident" >&2; exit 1; }
expect 1 detect incidents "$incident" -c examples/harbour/sevenfold.yaml --state "$state"

echo
echo "── What can befall the notebook, what would show it, and an hour around the table, decided in a file ──"
expect 3 respond scenarios port-lab --snapshot latest -c examples/harbour/sevenfold.yaml --state "$state"
(expect 1 respond exercise tabletop port-lab --scenario notebook-taken-over --by ana --answers examples/growth/decisions.txt --snapshot latest -c examples/harbour/sevenfold.yaml --state "$state") > "$work/played" 2> "$work/table" || { cat "$work/played" "$work/table"; exit 1; }
cat "$work/played"
expect 0 respond exercise report "$(grep -o '^EXE-[0-9]*-[0-9]*' "$work/played")" --format html --out "$out/exercise.html" -c examples/harbour/sevenfold.yaml --state "$state"
echo "after-action report: $out/exercise.html"

echo
echo "── The gate: quay-llm is to grow from 8 replicas to 20 (examples/growth/main.tf) ──"
expect 1 gate plan examples/growth/plan.json -c examples/harbour/sevenfold.yaml --state "$state"
expect 1 gate certify quay-llm -c examples/harbour/sevenfold.yaml --state "$state" --out "$work/quay.cert"

echo
echo "── A copy of the estate, mended (examples/growth/fix.py); what this version cannot decide yet is waived by name ──"
cp -R examples/harbour "$work/harbour"
python3 examples/growth/fix.py "$work/harbour"
until=$(python3 -c 'import datetime; print(datetime.date.today() + datetime.timedelta(days=30))')
for criterion in 'access.*' 'data.*' 'detect.*' 'supply.*' 'network.*' 'respond.*'; do
	"$sevenfold" gate waive "$criterion" quay-llm --reason 'this version does not decide it' --owner ml-platform@harbour.example \
		--expires "$until" -c "$work/harbour/sevenfold.yaml" | sed "s#$work/##"
done
expect 0 baseline approve --accept-open -c "$work/harbour/sevenfold.yaml" --state "$work/state"
expect 0 gate certify quay-llm -c "$work/harbour/sevenfold.yaml" --state "$work/state" --out "$work/quay.cert"
expect 0 gate verify "$work/quay.cert" --state "$work/state"
expect 0 gate plan examples/growth/plan.json -c "$work/harbour/sevenfold.yaml" --state "$work/state"

# One byte of the certificate changed.
python3 - "$work/quay.cert" <<'P'
import sys
text = bytearray(open(sys.argv[1], "rb").read())
text[len(text) // 2] ^= 1
open(sys.argv[1], "wb").write(text)
P
echo
echo "── The same certificate with one bit changed ──"
expect 1 gate verify "$work/quay.cert" --state "$work/state"
# Somebody changes what was approved.
echo
echo "── The mended estate again, a day later: somebody has put the switch back ──"
sed -i.before 's#          - --host#          - --trust-remote-code\n          - --host#' "$work/harbour/cluster/deployments.yaml"
expect 1 drift -c "$work/harbour/sevenfold.yaml" --state "$work/state"
expect 1 gate plan examples/growth/plan.json -c "$work/harbour/sevenfold.yaml" --state "$work/state"

echo
echo "demo:   growth was refused, after the fix admitted, and after a change nobody approved refused again"
