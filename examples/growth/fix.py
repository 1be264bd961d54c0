"""Mends, in a copy of examples/harbour, what keeps the workload quay-llm from being ready.

	python3 examples/growth/fix.py COPY

What each control asked for: no code of the model's own, the token from a Secret
instead of the manifest, and the role only for the service account that needs it.
"""

import sys
from pathlib import Path


def mend(path, before, after):
    text = path.read_text(encoding="utf-8")
    if before not in text:
        sys.exit(f"{path}: {before!r} is not there to be mended")
    path.write_text(text.replace(before, after), encoding="utf-8")


copy = Path(sys.argv[1])
deployments = copy / "cluster" / "deployments.yaml"
mend(deployments, "          - --trust-remote-code\n", "")
mend(deployments,
     "            value: hf_QuAyExAmPlEtOkEnNoTrEaLaBcDeFgHiJk\n",
     "            valueFrom:\n              secretKeyRef:\n                key: token\n                name: quay-hf\n")
iam = copy / "444455556666" / "iam"
for reply in [iam / "get-account-authorization-details.json", iam / "get-role" / "quay-llm.json"]:
    mend(reply, "system:serviceaccount:*:*", "system:serviceaccount:quay:quay-llm")
