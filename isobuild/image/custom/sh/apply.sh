#!/bin/sh
# Makes a Debian system what was ordered, once, inside it, as its root; it needs no network. Beside this file stand
# `settings`, and the parts that the order asks for. Ends with 65 if it is the order that can't be followed.
set -eu
HERE=$(dirname "$0")
SYSTEMD_OFFLINE=1 # no systemd runs here
export HERE SYSTEMD_OFFLINE
set -a
# shellcheck disable=SC1091 # it is made of the options
. "$HERE/settings"
set +a
for part in $PARTS; do
	sh -eu "$HERE/$part.sh"
done
