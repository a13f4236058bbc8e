#!/bin/sh
# Pin the images of the suite anew: NAME.txt from NAME.in, with hashes for every interpreter and
# platform, at the versions of requirements.lock where that has a package too.
set -eu

cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python=${PYTHON:-.venv/bin/python}
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
for wanted in infra/images/*.in; do
    pinned="${wanted%.in}.txt"
    "$scratch/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 \
        --only-binary :all: --generate-hashes --no-header --no-annotate \
        -c requirements.lock -o "$scratch/pins" "$wanted"
    "$python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps \
        --no-compile --target "$scratch/site" -r "$scratch/pins"
    {
        "$python" -m infra.images.modules "$scratch/site"
        grep '^# warm:' "$wanted"
        cat "$scratch/pins"
    } >"$pinned"
    rm -r "$scratch/site" "$scratch/pins"
done
