#!/usr/bin/env bash
# Runs iam-simulate (npm, AGPL-3.0), an outside judge of AWS policies, beside our
# labels. It is installed under bin/tools, which git ignores, and only ever run.
#
#   simulate.sh [CASES.json…]     its answers to cases in our form, one JSON line each,
#                                 and a count of agreements; ../documented if none is named
#   simulate.sh --convert FOLDER  its own cases (src/core_engine/coreEngineTests of its
#                                 repository), in our form, to standard output
set -euo pipefail
cd "$(dirname "$0")"
VERSION=0.1.173
export IAM_SIMULATE="$PWD/../../../../bin/tools/iam-simulate-$VERSION"
if [ "${1:-}" = --convert ]; then exec node simulate.mjs "$@"; fi
if [ ! -d "$IAM_SIMULATE/node_modules" ]; then
  mkdir -p "$IAM_SIMULATE"
  npm install --silent --no-save --prefix "$IAM_SIMULATE" "@cloud-copilot/iam-simulate@$VERSION" >/dev/null
fi
[ $# -gt 0 ] || set -- ../documented/*.json
node simulate.mjs "$@" | tee /dev/stderr 2>&1 >/dev/null | python3 -c '
import collections, json, sys
seen = collections.Counter()
for line in sys.stdin:
    print(line, end="")
    c = json.loads(line)
    seen["agree" if c["expect"] == c["answer"] else "refused" if c["answer"] == "error" else "differ"] += 1
print(dict(seen), file=sys.stderr)'
