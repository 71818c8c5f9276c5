#!/bin/sh
# What the programs that make layers have in common; sourced by them, with their arguments: IN WORK OUT.
#
# Here root is the build user, and nobody else. Each stage is left in $out/stages, whole or not at all, as one squashfs or
# several, to be stacked in the order of their names.
in=$1 work=$2 out=$3
room=$work/room
root=$room/root # where what is stacked is seen
umask 022 # what is made here is for everybody who uses the system
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C.UTF-8

fail() { # STATUS WORDS
	echo "E: $2" >&2
	exit "$1"
}

say() { echo "isobuild: $1% $2"; }

wanted() { # STAGE
	case " $MAKE " in *" $1 "*) return 0 ;; esac
	return 1
}

# --- the room: in memory if there is enough, else on the disk

enter_room() {
	mkdir -p "$room" "$out/stages"
	[ ! -d "$in/uploads" ] || NEED=$((NEED + $(du -sm "$in/uploads" | cut -f 1)))
	free=$(awk -v builds="${ISOBUILD_SLOTS:-1}" '/^MemAvailable/ { print int($2 / 1024 / builds) }' /proc/meminfo)
	if [ "$free" -gt $((NEED * 2)) ] && mount -t tmpfs -o "size=$((NEED * 3 / 2))m,mode=755" room "$room" 2>/dev/null; then
		return
	fi
	left=$(df -m --output=avail "$work" | tail -n 1)
	[ "$left" -gt "$NEED" ] || fail 71 "No space left on device: the system needs $NEED MiB, and $work has $left"
}

begin() { # STAGE: into a folder that is not looked at before it is whole
	begun=$(date +%s%N)
	mkdir -p "$out/stages/.$1"
}

finish() { # STAGE
	end=$(date +%s%N)
	echo "$(((end - begun) / 1000000))" >"$out/stages/.$1/milliseconds"
	mv "$out/stages/.$1" "$out/stages/$1"
}

# --- trees and layers

dated() { # FOLDER: nothing in it is younger than the packages
	find "$1" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

squash() { # FOLDER FILE [OPTION...]
	folder=$1 file=$2
	shift 2
	# shellcheck disable=SC2086
	quietly "$file could not be written" env -u SOURCE_DATE_EPOCH mksquashfs "$folder" "$file" -noappend -no-recovery \
		-no-progress -quiet -exit-on-error -mkfs-time "$SOURCE_DATE_EPOCH" -b 1M $COMPRESSION "$@"
}

unpack() { # FILE FOLDER
	quietly "$1 could not be unpacked" unsquashfs -quiet -no-progress -dest "$2" "$1"
}

quietly() { # WORDS COMMAND...: what it prints counts only if it fails, and then it is the words that count
	words=$1
	shift
	said=$(mktemp -p "$room")
	"$@" >"$said" 2>&1 || {
		cat "$said" >&2
		fail 71 "$words"
	}
	rm "$said"
}

stack() { # UPPER LOWER: shows LOWER with the changes of UPPER in $root
	mkdir -p "$1" "$1.work" "$root"
	mount -t overlay -o "lowerdir=$2,upperdir=$1,workdir=$1.work,userxattr" overlay "$root" ||
		fail 71 "overlayfs can't be mounted in a user namespace on this host"
}

unstack() { # lazily: the host's /sys is locked to what is mounted in it
	umount -l "$root"
}

settle() { # UPPER LOWER: UPPER as a layer for any overlay
	upper=$1
	# shellcheck disable=SC2046
	/usr/bin/python3 -I "$in/layer" "$upper" $(echo "$2" | tr : ' ')
}

open_doors() { # what programs in there need of the kernel
	mkdir -p "$root/dev" "$root/proc" "$root/sys"
	mount -t proc proc "$root/proc"
	mount -o rbind /sys "$root/sys"
	mount -t tmpfs -o mode=755 dev "$root/dev"
	for device in null zero full random urandom tty; do
		: >"$root/dev/$device"
		mount -o bind "/dev/$device" "$root/dev/$device"
	done
	ln -s /proc/self/fd "$root/dev/fd"
	mkdir "$root/dev/shm" "$root/dev/pts"
	mkdir -p "$root/isobuild"
	mount -t tmpfs -o mode=755 isobuild "$root/isobuild"
}

offer() { # FOLDER NAME: IN/FOLDER at /isobuild/NAME
	[ -d "$in/$1" ] || return 0
	mkdir -p "$root/isobuild/$2"
	mount -o bind "$in/$1" "$root/isobuild/$2"
}

inside() { # COMMAND...: with nothing of the host's folders in its environment
	env -u TMPDIR -u USER -u LOGNAME HOME=/root chroot "$root" "$@"
}

# keys, ids, logs and caches are each machine's own
forget() { # FOLDER [TABLE]: but for the paths in the table's last column, which were ordered, and what is in them
	(cd "$1" && forgettable 2>/dev/null) | LC_ALL=C awk -F '\t' -v table="${2:-/dev/null}" '
		BEGIN { while ((getline <table) > 0) ordered[substr($NF, 2)] }
		{ for (path = $0; path && !(path in ordered);) sub(/\/?[^\/]*$/, "", path); if (!path) print }
	' | (cd "$1" && xargs -r -d '\n' rm -rf --)
	[ ! -f "$1/etc/machine-id" ] || : >"$1/etc/machine-id"
}

forgettable() { # but not what hides such a thing of the layers below; services write to the folders
	find var/cache/apt var/lib/apt/lists var/log etc/ssh/ssh_host_* etc/resolv.conf var/lib/systemd/random-seed -type f || :
	find tmp var/tmp run -mindepth 1 -maxdepth 1 || :
	ls -d var/lib/dpkg/*-old var/cache/debconf/*-old var/cache/ldconfig/aux-cache var/lib/dbus/machine-id \
		etc/apt/apt.conf.d/99mmdebstrap etc/dpkg/dpkg.cfg.d/99mmdebstrap \
		etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/subuid- etc/subgid- isobuild || :
}

# --- the first file system, and the kernel

# The stock function copies modules one by one, a dozen processes for each. This one copies them together, and the
# result is the same, bit for bit.
hasten() {
	cat >>"$root/usr/share/initramfs-tools/hook-functions" <<'END'
manual_add_modules()
{
	[ $# -ne 0 ] || return 0
	{ modprobe --all --set-version="${version:?}" --ignore-install --quiet --show-depends "$@"
	  modprobe --all --set-version="${version}" --quiet --show-depends "$@"; } |
		sed -n 's#^insmod \(/usr\)\{0,1\}/\([^ ]*\).*#usr/\2#p' | sort -u |
		while read -r module; do [ -e "${DESTDIR}/${module}" ] || echo "${module}"; done >"${DESTDIR}.modules"
	(cd / && xargs -r cp -pP --parents -t "${DESTDIR}") <"${DESTDIR}.modules"
	(cd / && xargs -r modinfo -k "${version}" -F firmware) <"${DESTDIR}.modules" | sort -u |
		while read -r firmware; do add_firmware "${firmware}" || :; done
	rm "${DESTDIR}.modules"
}
END
}

begin_initrds() { # LOWER: a system in $root that may be changed, to no effect
	stack "$root.scratch" "$1"
	open_doors
	hasten
}

make_initrd() { # VERSION FILE
	how="-c zstd -l $INITRD_LEVEL"
	[ -x "$root/usr/bin/zstd" ] || how=
	# shellcheck disable=SC2086
	inside mkinitramfs $how -o /isobuild/initrd.img "$1"
	cp "$root/isobuild/initrd.img" "$2"
}

end_initrds() {
	unstack
	rm -rf "$root.scratch" "$root.scratch.work"
}

# --- what both change

INITRDS=etc/initramfs-tools/update-initramfs.conf LEAVE=update_initramfs=no

add_packages() { # LOWER [--purge NAME-...]: what IN/packages.list has, without these names, as $room/packages over LOWER
	lower=$1
	shift
	stack "$room/packages" "$lower"
	open_doors
	offer packages packages
	mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
	cp "$in/dpkg.cfg" "$root/etc/dpkg/dpkg.cfg.d/isobuild-build"
	leave_initrds
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	mkdir -p "$root/isobuild/lists/partial" # all that is needed was found before: nothing else comes in
	# shellcheck disable=SC2046
	INITRD=No inside apt-get -q -y -o Debug::NoLocking=true -o Dpkg::Options::=--force-unsafe-io \
		-o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 -o APT::Sandbox::User=root \
		-o Dir::State::lists=/isobuild/lists -o APT::Install-Recommends=false \
		install "$@" $(sed 's#^#/isobuild/packages/#' "$in/packages.list")
	# shellcheck disable=SC2046
	[ ! -s "$in/automatic.list" ] || inside apt-mark -q auto $(cat "$in/automatic.list") >/dev/null
	rm "$root/usr/sbin/policy-rc.d" "$root/etc/dpkg/dpkg.cfg.d/isobuild-build"
	unstack
	let_initrds
	settle "$room/packages" "$lower"
	forget "$room/packages"
}

leave_initrds() { # whatever packages want: they are made at the end, if at all
	if [ -e "$root/$INITRDS" ]; then echo "$LEAVE" >"$root/$INITRDS"; fi
}

let_initrds() { # what the system has below is seen again
	if [ ! -c "$room/packages/$INITRDS" ] && [ "$(cat "$room/packages/$INITRDS" 2>/dev/null)" = "$LEAVE" ]; then
		rm "$room/packages/$INITRDS"
		rmdir --ignore-fail-on-non-empty "$room/packages/${INITRDS%/*}"
	fi
}

touches_initrd() {
	for part in usr/share/initramfs-tools etc/initramfs-tools usr/lib/modules usr/lib/firmware lib/modules lib/firmware boot \
		etc/modprobe.d; do
		[ ! -e "$room/packages/$part" ] || return 0
	done
	return 1
}

ordered() { # the table of the files that were ordered, if any were
	if [ -e "$in/custom/files" ]; then echo "$in/custom/files"; fi
}

make_custom() { # FILE LOWER: what IN/custom/apply changes in that, as the stage's one file
	file=$1 lower=$2
	begin custom
	say 92 customise
	stack "$room/custom" "$lower"
	open_doors
	offer custom custom
	offer uploads uploads
	inside sh /isobuild/custom/apply
	# shellcheck disable=SC2016 # dpkg-query reads it
	inside dpkg-query -W -f '${db:Status-Status} ${Package} ${Version} ${Architecture}\n' |
		sed -n 's/^installed //p' >"$out/stages/.custom/manifest"
	unstack
	settle "$room/custom" "$lower"
	forget "$room/custom" "$(ordered)"
	dated "$room/custom"
	squash "$room/custom" "$out/stages/.custom/$file"
	finish custom
}
