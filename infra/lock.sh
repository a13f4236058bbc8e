#!/bin/sh
# Write requirements.lock: the newest versions that fit pyproject.toml, resolved in a fresh environment.
set -eu

cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"${PYTHON:-python3}" -m venv "$scratch/venv"
pip="$scratch/venv/bin/python -m pip --disable-pip-version-check"
$pip install --quiet --upgrade pip setuptools
$pip install --quiet --dry-run --ignore-installed --report "$scratch/report.json" \
    '.[all]' 'setuptools>=77'

# The report lists what would be installed. CUDA libraries are left to torch's own pins, and the
# one dependency that only old patch releases of Python 3.11 have is added by hand.
{
    sed -n '/^#/p' requirements.lock
    "$scratch/venv/bin/python" - "$scratch/report.json" <<'PYTHON'
import json
import re
import sys

with open(sys.argv[1]) as report:
    found = [item["metadata"] for item in json.load(report)["install"]]
rows = {"async-timeout": 'async-timeout==5.0.1 ; python_full_version < "3.11.3"'}
for package in found:
    name = re.sub(r"[-_.]+", "-", package["name"]).lower()
    if not re.match(r"nvidia-|cuda-|triton$|rrtf-suite$|async-timeout$", name):
        rows[name] = f"{name}=={package['version'].partition('+')[0]}"
print("\n".join(rows[name] for name in sorted(rows)))
PYTHON
} >"$scratch/lock"
mv "$scratch/lock" requirements.lock
