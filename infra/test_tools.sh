#!/bin/sh
# Have what the tests need of Debian: a Chromium without a window for the dashboard's, curl for
# those of the documentation, and for those of test programs what is small: four interpreters, and
# libraries that published suites load. What is there already is left alone.
#
# An ordinary user without them is told how to get them, and the tests that need them fail.
set -eu

missing=
command -v curl >/dev/null 2>&1 || missing="curl"
for name in chromium-headless-shell chromium google-chrome chromium-browser none; do
    command -v "$name" >/dev/null 2>&1 && break
done
[ "$name" != none ] || missing="$missing chromium-headless-shell"
for pair in php:php-cli ruby:ruby lua5.4:lua5.4 tsc:node-typescript; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
for name in golang-github-stretchr-testify-dev libdata-compare-perl libjavatuples-java \
    libtest-deep-perl lua-unit node-lodash php-mbstring; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $name"
done
missing="${missing# }"
[ -n "$missing" ] || exit 0

say() { printf 'test-tools: %s\n' "$*" >&2; }
install="apt-get install -y --no-install-recommends $missing"
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    say "the tests need $missing; on Debian: sudo $install"
    exit 0
fi
say "installing $missing"
apt-get update -qq </dev/null
DEBIAN_FRONTEND=noninteractive $install -qq </dev/null >/dev/null
