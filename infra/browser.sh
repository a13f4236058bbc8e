#!/bin/sh
# Have a Chromium here for the tests of the dashboard: Debian's, without a window, if there is none.
#
# An ordinary user without one is told how to get it, and the tests that need it fail.
set -eu

for name in chromium-headless-shell chromium google-chrome chromium-browser; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done

say() { printf 'browser: %s\n' "$*" >&2; }
install="apt-get install -y --no-install-recommends chromium-headless-shell"
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    say "the tests of the dashboard need a Chromium; on Debian: sudo $install"
    exit 0
fi
say "installing chromium-headless-shell"
apt-get update -qq </dev/null
DEBIAN_FRONTEND=noninteractive $install -qq </dev/null >/dev/null
