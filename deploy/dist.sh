#!/usr/bin/env bash
# Release archives: dist.sh VERSION LDFLAGS. Reproducible: no build path, no
# time of the build, owners and order fixed.
set -euo pipefail
version=${1#v} ldflags=$2
when=$(git log -1 --format=%ct 2>/dev/null || echo 0)
rm -rf dist/archives && mkdir -p dist/archives
for target in linux/amd64 linux/arm64 darwin/arm64; do
	os=${target%/*} arch=${target#*/}
	name=sevenfold_${version}_${os}_${arch}
	dir=dist/archives/$name
	mkdir -p "$dir"
	CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -ldflags "$ldflags" -o "$dir/sevenfold" ./cmd/sevenfold
	cp LICENSE README.md "$dir/"
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$when" -C dist/archives -czf "dist/$name.tar.gz" "$name"
	echo "dist/$name.tar.gz"
done
rm -rf dist/archives
(cd dist && sha256sum sevenfold_*.tar.gz >checksums.txt)
