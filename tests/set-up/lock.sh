#!/usr/bin/env bash
# Writes docs/install/*.lock: every library of the gateway and of the media server, with its hashes,
# for all supported versions of Python. Addresses of package indexes stay out of the files.
# Versions that are locked already stay, unless --upgrade is given.
set -euo pipefail
uv="$1"
shift

lock() {
    "$uv" pip compile - --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-annotate --no-emit-index-url --output-file "docs/install/$1.lock" "${@:2}"
}
wanted() {
    "$(dirname "$uv")/python" - "$@" <<'END'
import sys, tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
for one in project["dependencies"]:
    if one.startswith(tuple(sys.argv[1:]) or ""):
        print(one)
END
}
wanted | lock requirements "$@"
# The media server's image holds what its rooms import, and nothing that only the gateway needs.
wanted aiohttp cryptography opencv pylibsrtp pyOpenSSL structlog | lock mediaserver "$@"
