#!/bin/sh
# Changes the live system of an ISO, as an ordinary user: `unshare … sh remaster.sh IN WORK OUT ISO`.
#
#   packages   what the packages that come and go change in it
#   custom     what the person's other choices change
#
# IN/stages/medium tells where the system is in the ISO. MAKE names the stages that are to be made; the others are in
# IN/stages. REMOVE has the names of packages that go, each with a "-" behind it.
# shellcheck disable=SC1091,SC2154 # room.sh sets in, out and room
set -eu
. "$1/room"
iso=$4
medium=$in/stages/medium
layers=

unpack_medium() {
	number=0
	while read -r offset path; do
		number=$((number + 1))
		say $((number * 5)) "unpack ${path##*/}"
		unpack_at "$offset" "$room/below$number" "$path"
		layers=$room/below$number${layers:+:$layers}
	done <"$medium/layers"
}

unpack_at() { # OFFSET FOLDER PATH: devices can't be made here, and nothing needs them
	status=0
	complaint=$(unsquashfs -quiet -no-progress -offset "$1" -dest "$2" "$iso" 2>&1 </dev/null) || status=$?
	echo "$complaint" | grep -v -e '^$' -e 'character device' -e 'block device' -e 'superuser' || true
	case $status:$complaint in 0:*) ;; *'No space left on device'* | *'Disk quota exceeded'*)
		fail 71 "the disk is full: $3 in this ISO could not be unpacked"
		;;
	esac
	if [ "$status" -eq 1 ] || [ ! -d "$2" ]; then fail 65 "source: $3 in this ISO is damaged"; fi
}

make_packages() {
	begin packages
	say 40 packages
	# shellcheck disable=SC2086
	add_packages "$layers" --purge $REMOVE
	keep_starting
	if touches_initrd; then
		say 60 initrd
		make_initrds
	fi
	dated "$room/packages"
	squash "$room/packages" "$out/stages/.packages/packages.squashfs"
	finish packages
	layers=$room/packages:$layers
}

keep_starting() { # without these the ISO starts no more
	for path in usr/share/initramfs-tools/scripts/live usr/lib/live/boot lib/live/boot; do
		if gone "$path"; then fail 65 "remove: without live-boot it does not start, so that must stay"; fi
	done
	while read -r version _; do
		if gone "usr/lib/modules/$version/kernel" || gone "lib/modules/$version/kernel"; then
			fail 65 "remove: it starts Linux $version, so the package of that kernel must stay"
		fi
	done <"$medium/initrds"
}

gone() { # PATH: whether the packages took it away
	above=$1
	while [ "$above" != . ]; do
		[ ! -c "$room/packages/$above" ] || return 0
		above=$(dirname "$above")
	done
	return 1
}

make_initrds() {
	begin_initrds "$room/packages:$layers"
	while read -r version path; do
		[ -e "$room/initrd-$version" ] || make_initrd "$version" "$room/initrd-$version" </dev/null
		cp "$room/initrd-$version" "$out/stages/.packages/${path##*/}"
	done <"$medium/initrds"
	end_initrds
}

get_packages() {
	unpack "$in/stages/packages/packages.squashfs" "$room/packages"
	layers=$room/packages:$layers
}

NEED=$((NEED + $(cat "$medium/mebibytes")))
enter_room
unpack_medium
if wanted packages; then make_packages; elif [ -d "$in/stages/packages" ]; then get_packages; fi
if wanted custom; then make_custom custom.squashfs "$layers"; fi
say 99 squash
