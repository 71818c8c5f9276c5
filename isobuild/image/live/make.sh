#!/bin/sh
# Makes the layers of a live system, as an ordinary user: `unshare … sh make.sh IN WORK OUT`.
#
#   kernel, base   what mmdebstrap makes, its modules apart: who adds a package needs not unpack them
#   packages       what the chosen packages change in that
#   custom         what the person's other choices change
#
# MAKE names the stages that are to be made; the others are in IN/stages.
# shellcheck disable=SC1091,SC2154 # room.sh sets in, out and room
set -eu
. "$1/room"

make_kernel() { # FOLDER LOWER: vmlinuz and initrd.img of a system, which stays as it is
	begin_initrds "$2"
	version=$(inside linux-version list | inside linux-version sort | tail -n 1)
	[ "$version" ] || fail 65 "no kernel is among the packages"
	make_initrd "$version" "$1/initrd.img"
	kernel=$root/boot/vmlinuz-$version
	[ -e "$kernel" ] || kernel=$root/usr/lib/modules/$version/vmlinuz
	cp "$kernel" "$1/vmlinuz"
	end_initrds
}

# FILE: of live-boot's. Where changes are kept ("/ union") it stacks the layers by itself, the last of them lowest: the
# base would hide what is custom
stack_in_order() {
	# shellcheck disable=SC2016 # it is a line of that file
	sed -i 's|for d in /run/live/rootfs/\*$|for d in $(ls -dr /run/live/rootfs/*)|' "$1"
}

make_base() {
	begin base
	say 2 bootstrap
	INITRD=No mmdebstrap --mode=root --variant=minbase --format=directory --architectures="$ARCHITECTURE" \
		--include="$BASE" --dpkgopt=force-unsafe-io ${STRIP:+"--dpkgopt=$in/dpkg.cfg"} --skip=update,cleanup/apt,check/empty \
		--setup-hook="sh '$in/give' '$in' '$SUITE' '$ARCHITECTURE' \"\$1\"" "$SUITE" "$room/base" "$in/debian.sources"
	forget "$room/base"
	mkdir -p "$room/kernel/usr/lib"
	mv "$room/base/usr/lib/modules" "$room/kernel/usr/lib/"
	stack_in_order "$room/base/usr/lib/live/boot/9990-misc-helpers.sh"
	rm -f "$room/base/etc/hostname" # mmdebstrap's is the host's
	dated "$room/base"
	dated "$room/kernel"
	say 60 initrd
	pack_base >"$room/packing" 2>&1 & # what others can be made of is there, and changes no more
	packing=$!
	layers=$room/base
}

pack_base() {
	squash "$room/base" "$out/stages/.base/20-base.squashfs" &
	squashing=$!
	root=$room/starting
	make_kernel "$out/stages/.base" "$room/kernel:$room/base"
	squash "$room/kernel" "$out/stages/.base/10-kernel.squashfs"
	wait "$squashing" || fail 71 "the base system could not be packed"
	finish base
}

await_base() {
	[ "$packing" ] || return 0
	wait "$packing" || packed=$?
	cat "$room/packing" >&2
	[ ! "$packed" ] || exit "$packed"
	packing=''
}

get_base() { # beside what else is unpacked
	unpack "$in/stages/base/20-base.squashfs" "$room/base" &
	unpacking=$!
	layers=$room/base
}

get_kernel() { # as packages that bring modules need it
	[ -d "$room/kernel" ] || unpack "$in/stages/base/10-kernel.squashfs" "$room/kernel"
}

unpacked() {
	[ ! "$unpacking" ] || wait "$unpacking" || exit "$?"
	unpacking=''
}

make_packages() {
	begin packages
	say 80 packages
	if [ "$KERNEL" ]; then
		get_kernel
		layers=$room/kernel:$layers
	fi
	unpacked
	add_packages "$layers"
	if touches_initrd; then
		get_kernel
		say 85 initrd
		[ "$KERNEL" ] || layers=$room/kernel:$layers
		make_kernel "$out/stages/.packages" "$room/packages:$layers"
	else
		await_base
		cp "$(of_base vmlinuz)" "$(of_base initrd.img)" "$out/stages/.packages/"
	fi
	dated "$room/packages"
	squash "$room/packages" "$out/stages/.packages/30-packages.squashfs"
	finish packages
	layers=$room/packages:$layers
}

of_base() { # FILE
	if wanted base; then echo "$out/stages/base/$1"; else echo "$in/stages/base/$1"; fi
}

get_packages() {
	unpack "$in/stages/packages/30-packages.squashfs" "$room/packages"
	layers=$room/packages:$layers
}

packing='' packed='' unpacking=''
STRIP=$(cat "$in/dpkg.cfg")
enter_room
if wanted base; then make_base; else get_base; fi
if wanted packages; then make_packages; elif [ -d "$in/stages/packages" ]; then get_packages; fi
unpacked
if wanted custom; then make_custom 40-custom.squashfs "$layers"; fi
await_base
say 99 squash
