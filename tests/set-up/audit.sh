#!/usr/bin/env bash
# Compares the locked libraries with the published advisories: audit.sh BIN.
# Fails if one is known to be vulnerable. Where advisories cannot be reached it says so: no answer is
# not an all-clear, although pip-audit itself ends with success then.
set -euo pipefail
report="$(mktemp)"
trap 'rm -f "$report" "$report.said"' EXIT
"$1/pip-audit" --disable-pip --require-hashes --timeout 15 --progress-spinner off --format json \
    -r docs/install/requirements.lock >"$report" 2>"$report.said" || true
"$1/python" - "$report" "$(tail -n 1 "$report.said" | cut -c 1-200)" <<'END'
import json, sys

try:
    listed = json.load(open(sys.argv[1]))["dependencies"]
except (ValueError, KeyError):
    print(f"SKIPPED: the audit of libraries; the advisories cannot be had: {sys.argv[2]}")
    sys.exit(0)
asked = [one for one in listed if "vulns" in one]
known = [one for one in asked if one["vulns"]]
for one in known:
    for found in one["vulns"]:
        better = ", ".join(found["fix_versions"]) or "no version"
        print(f"{one['name']} {one['version']}: {found['id']}, mended in {better}")
missed = [one["name"] for one in listed if "vulns" not in one]
if not asked:
    print("SKIPPED: the audit of libraries; no advisories for any of them can be had from here")
elif missed:
    print(f"not audited: {', '.join(missed)}")
if asked and not known:
    print(f"{len(asked)} libraries audited, none is known to be vulnerable")
sys.exit(1 if known else 0)
END
