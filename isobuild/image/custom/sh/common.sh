#!/bin/sh
# What the parts have in common; they source it.

# WORDS: the order can't be followed
fail() {
	echo "E: $1" >&2
	exit 65
}

# COMPONENT...: of live-config, which would do at each boot what is done here once
done_at_build() {
	mkdir -p /var/lib/live/config
	for component; do touch "/var/lib/live/config/$component"; done
}
