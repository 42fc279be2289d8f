#!/bin/sh
# Installs what some tests use and pip cannot: a browser, a terminal to watch, promtool.
# Only what is missing, only as root on Debian and its like; without it those tests skip.
set -u
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v tmux >/dev/null 2>&1 || missing="$missing tmux"
command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "some tests will be skipped; they need:$missing" >&2
  exit 0
fi
echo "installing for the tests:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null 2>&1
for package in $missing; do
  timeout 600 apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 ||
    echo "could not install $package: its tests will be skipped" >&2
done
exit 0
