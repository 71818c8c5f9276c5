#!/bin/sh
# Makes a fresh Debian tree the live system that was ordered. Runs once, inside it, as its root. The options come in
# the environment; vmlinuz, initrd.img and manifest are left beside this file.
set -eu
here=$(dirname "$0")

fail() {
	echo "E: $1" >&2
	exit 1
}

name_host() {
	hostname "$NAME"
	echo "$NAME" >/etc/hostname
	printf '127.0.0.1\tlocalhost %s\n::1\tlocalhost ip6-localhost ip6-loopback\n' "$NAME" >/etc/hosts
}

name_user() {
	if getent passwd "$ACCOUNT" >/dev/null; then
		fail "username: $ACCOUNT is an account of the packages' own; choose another"
	fi
	mkdir -p /etc/live/config.conf.d
	printf 'LIVE_HOSTNAME="%s"\nLIVE_USERNAME="%s"\nLIVE_USER_FULLNAME="%s"\n' "$NAME" "$ACCOUNT" "$ACCOUNT" \
		>/etc/live/config.conf.d/isobuild.conf
	LIVE_CONFIG_CMDLINE="boot=live components=user-setup,sudo,util-linux,login" live-config
}

# what live-config would do at each boot is done here, once; its state files say so
speak() {
	echo "LANG=$LOCALE" >/etc/default/locale
	if [ "$LOCALE" != C.UTF-8 ]; then
		echo "$LOCALE UTF-8" >/etc/locale.gen
		locale-gen || fail "locale: $LOCALE is not known to this release"
	fi
	done_at_build locales
}

set_clock() {
	[ -e "/usr/share/zoneinfo/$TIMEZONE" ] || fail "timezone: $TIMEZONE is not known to this release"
	ln -sf "/usr/share/zoneinfo/$TIMEZONE" /etc/localtime
	echo "$TIMEZONE" >/etc/timezone
	done_at_build tzdata
}

set_keyboard() {
	printf 'XKBMODEL="pc105"\nXKBLAYOUT="%s"\nXKBVARIANT=""\nXKBOPTIONS=""\nBACKSPACE="guess"\n' "$KEYBOARD" \
		>/etc/default/keyboard
	setupcon --save-only
	# at boot the saved keymap counts only if it is newer than these
	touch -d 2000-01-01 /etc/default/keyboard /etc/default/console-setup
	done_at_build keyboard-configuration
}

done_at_build() {
	mkdir -p /var/lib/live/config
	touch "/var/lib/live/config/$1"
}

# unless the order brings a network manager of its own
connect() {
	if [ -e /usr/sbin/NetworkManager ] || [ -e /usr/sbin/connmand ]; then return; fi
	printf '[Match]\nName=en* eth*\n\n[Network]\nDHCP=yes\n' >/etc/systemd/network/80-wired.network
	systemctl enable systemd-networkd
}

# keys and ids are each machine's own, and this host's settings stay here
forget() {
	rm -f /etc/ssh/ssh_host_* /etc/apt/apt.conf.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/99mmdebstrap
	[ -L /etc/resolv.conf ] || rm -f /etc/resolv.conf
}

list_packages() {
	dpkg-query -W -f '${Package} ${Version}\n' >"$here/manifest"
}

# the stock function looks at a module once for each that needs it, thousands of times: `sort -u` halves the time and
# leaves the result the same, bit for bit
make_initrd() {
	version=$(linux-version list | linux-version sort | tail -n 1)
	functions=/usr/share/initramfs-tools/hook-functions
	cp -p "$functions" "$here/functions"
	sed -i 's/--show-depends "\$@"; } |$/--show-depends "$@"; } | sort -u |/' "$functions"
	mkinitramfs -c zstd -l "$INITRD_LEVEL" -o "$here/initrd.img" "$version"
	cp -p "$here/functions" "$functions"
	kernel=/boot/vmlinuz-$version
	[ -e "$kernel" ] || kernel=/usr/lib/modules/$version/vmlinuz
	cp "$kernel" "$here/vmlinuz"
}

name_host
name_user
speak
set_clock
set_keyboard
connect
forget
list_packages
make_initrd
