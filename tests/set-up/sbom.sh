#!/usr/bin/env bash
# Writes the bill of materials (CycloneDX JSON) of the locked libraries: sbom.sh BIN FILE. No network.
set -euo pipefail
mkdir -p "$(dirname "$2")"
"$1/cyclonedx-py" requirements --pyproject pyproject.toml --mc-type application \
    --output-reproducible --short-PURLs --of JSON --output-file "$2" docs/install/requirements.lock
