#!/usr/bin/env bash
# Makes the corpus of model files with the real frameworks and measures the scanner
# on it.
#
#	test/modelfiles/corpus.sh [OUT]
#
# OUT (default test/modelfiles/.venv) keeps the three environments, which take some four
# gigabytes, and the corpus, which takes a hundred megabytes. What is there already
# is used again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/.venv}
mkdir -p "$out"
out=$(cd "$out" && pwd)

environment() { # NAME LOCK
	[ -e "$out/$1/.ready" ] && return
	python3 -m venv "$out/$1"
	"$out/$1/bin/pip" install -q --disable-pip-version-check --no-deps -r "$here/$2"
	touch "$out/$1/.ready"
}
environment plain requirements.txt
environment torch torch.txt
environment tensorflow tensorflow.txt

rm -rf "$out/corpus"
cd "$here"
"$out/plain/bin/python" benign.py "$out/corpus"
"$out/torch/bin/python" benign_torch.py "$out/corpus"
"$out/tensorflow/bin/python" benign_tensorflow.py "$out/corpus"
"$out/plain/bin/python" malicious.py "$out/corpus"
"$out/plain/bin/python" fresh.py "$out/corpus"
cd "$here/../.."
go run ./test/modelfiles/measure -v "$out/corpus"
