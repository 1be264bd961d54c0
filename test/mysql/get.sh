#!/usr/bin/env bash
# Brings a MariaDB server for tests into the folder given, without installing it: the
# system's packages are unpacked there. Where the machine has one already, or has no
# packages of Debian's, nothing is done.
set -euo pipefail
dir=$1
if command -v mariadbd >/dev/null || command -v mysqld >/dev/null; then
	exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
	echo "no MySQL or MariaDB server found, and none to be had here: install one, or set SEVENFOLD_TEST_NO_MYSQL=1" >&2
	exit 0
fi
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
cd "$packages"
# The lists of a fresh machine are empty, those of an old one name what is gone.
apt-get -qq download mariadb-server-core libaio1 liburing2 2>/dev/null ||
	{ apt-get -qq update && apt-get -qq download mariadb-server-core libaio1 liburing2; } ||
	apt-get -qq download mariadb-server-core libaio1t64 liburing2
for p in *.deb; do
	dpkg-deb -x "$p" "$dir"
done
