#!/bin/sh
# Where further packages come from, and which are not wanted, for those who run apt in the finished system.

for list in "$HERE"/apt/*.sources; do
	[ -e "$list" ] || continue
	install -D -m 644 "$list" "/etc/apt/sources.list.d/${list##*/}"
done
for key in "$HERE"/apt/*.asc; do
	[ -e "$key" ] || continue
	install -D -m 644 "$key" "/etc/apt/keyrings/${key##*/}"
done
if [ -e "$HERE/apt/preferences" ]; then install -D -m 644 "$HERE/apt/preferences" /etc/apt/preferences.d/isobuild; fi
