#!/usr/bin/env bash
# Brings a MariaDB server for tests into the folder given, without installing it: the
# system's packages are unpacked there. Where the machine has one already, or has no
# packages of Debian's, nothing is done.
set -euo pipefail
dir=$1
# missing leaves word of why there is none: only then do tests do without.
missing() {
	mkdir -p "$dir"
	echo "$1" | tee "$dir/missing" >&2
	exit 0
}
if command -v mariadbd >/dev/null || command -v mysqld >/dev/null; then
	exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
	missing "none is on the PATH, and this machine has no packages of Debian's"
fi
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
fetch() { (cd "$packages" && apt-get -qq download mariadb-server-core "$1" liburing2); }
# The lists of a fresh machine are empty, those of an old one name what is gone.
if ! fetch libaio1 2>/dev/null && ! { apt-get -qq update && fetch libaio1; } && ! fetch libaio1t64; then
	missing "its packages could not be fetched"
fi
mkdir -p "$dir"
for p in "$packages"/*.deb; do
	dpkg-deb -x "$p" "$dir"
done
