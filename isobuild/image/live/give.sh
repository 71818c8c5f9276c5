#!/bin/sh
# A setup hook of mmdebstrap: gives the new system the package lists and the packages of the base, so that it asks no
# archive: give IN ROOT
set -eu
mkdir -p "$2/var/cache/apt/archives/partial" "$2/var/lib/apt/lists/partial"
cp "$1"/lists/* "$2/var/lib/apt/lists/"
while read -r file; do cp "$1/packages/$file" "$2/var/cache/apt/archives/"; done <"$1/base.list"
