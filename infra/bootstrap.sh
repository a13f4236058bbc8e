#!/bin/sh
# Make .venv: a Python with every dependency at the version of requirements.lock, and this project.
#
# Finds a Python 3.11 or newer by itself; PYTHON=/path/to/python chooses one.
# Does nothing when neither the lock, nor pyproject.toml, nor the place of the checkout has changed.
set -eu

cd "$(dirname "$0")/.."
venv=.venv
stamp=$venv/installed

say() { printf 'bootstrap: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}

is_usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do
        if is_usable "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer found${PYTHON:+ as $PYTHON}; install one or set PYTHON=/path/to/python"
}

# Debian and Ubuntu ship Python without the part that puts pip into a new environment.
need_ensurepip() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 && return
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    command -v apt-get >/dev/null 2>&1 || fail "$1 cannot make environments: its ensurepip is missing"
    [ "$(id -u)" = 0 ] || fail "$1 lacks ensurepip; run: sudo apt-get install -y $package"
    say "installing $package"
    apt-get update -qq </dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" </dev/null >/dev/null
}

fingerprint() {
    # Where we are belongs to it: an environment does not survive the move of its folder.
    pwd
    cksum requirements.lock pyproject.toml infra/bootstrap.sh
}

wanted=$(fingerprint)
if is_usable "$venv/bin/python" && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

if is_usable "$venv/bin/python" && [ "$(head -n 1 "$stamp" 2>/dev/null)" = "$(pwd)" ]; then
    say "bringing $venv up to date"
else
    python=$(find_python)
    need_ensurepip "$python"
    say "making $venv with $("$python" --version) ($python); this takes some minutes once"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
# From here to the end, a failure must leave an environment that the next run does not trust.
rm -f "$stamp"

PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
export PIP_DISABLE_PIP_VERSION_CHECK PIP_NO_INPUT
pip="$venv/bin/python -m pip"
has_nvidia() { [ -e /dev/nvidiactl ] || [ -e /dev/dxg ]; }

# uv fetches wheels side by side and shows how far it is; it takes from where pip is told to.
install_with_uv() {
    command -v uv >/dev/null 2>&1 && uv=uv || {
        $pip install --quiet 'uv>=0.9' </dev/null && uv="$venv/bin/uv"
    } || return
    setting() { $pip config get "global.$1" 2>/dev/null || true; }
    index=${PIP_INDEX_URL:-$(setting index-url)}
    more=${PIP_EXTRA_INDEX_URL:-$(setting extra-index-url)}
    links=${PIP_FIND_LINKS:-$(setting find-links)}
    if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
    if [ -n "$more" ]; then export UV_INDEX="$more"; fi
    if [ -n "$links" ]; then export UV_FIND_LINKS="$links"; fi
    set -- pip install --python "$venv/bin/python" --index-strategy unsafe-best-match \
        --requirements requirements.lock
    # A machine without a GPU needs no libraries for one: gigabytes.
    if [ -z "$more" ] && ! has_nvidia; then
        "$uv" "$@" --torch-backend cpu && return
        say "torch for CPUs cannot be had from download.pytorch.org; installing the usual one"
    fi
    "$uv" "$@"
}

say "installing $(grep -c '^[a-z]' requirements.lock) packages"
install_with_uv || {
    say "uv cannot install them here; pip does, which takes longer and shows less"
    $pip install --quiet -r requirements.lock </dev/null
}
$pip install --quiet --no-deps --no-build-isolation -e . </dev/null

printf '%s\n' "$wanted" >"$stamp"
say "done"
