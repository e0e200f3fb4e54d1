#!/usr/bin/env bash
# Makes the virtual environment; on a Debian without python3-venv it installs that first.
set -euo pipefail
venv="$1"
python="${PYTHON:-python3}"

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed, $("$python" --version 2>&1) was found; set PYTHON=/path/to/python3.11" >&2
    exit 1
}
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    "$(dirname "$0")/debian.sh" python3-venv
fi
echo "Making the virtual environment in $venv; this takes a minute at most ..."
"$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --upgrade pip
"$venv/bin/pip" install --quiet --editable '.[demo]' --group dev
touch "$venv/ready"
