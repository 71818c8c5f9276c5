#!/bin/sh
# The machine's name, its network, and nothing that is another machine's own.

echo "$NAME" >/etc/hostname
printf '127.0.0.1\tlocalhost %s\n::1\tlocalhost ip6-localhost ip6-loopback\n' "$NAME" >/etc/hosts
: >/etc/machine-id

# unless the order brings a network manager of its own
if [ -n "$BARE" ] && [ ! -e /usr/sbin/NetworkManager ] && [ ! -e /usr/sbin/connmand ] && [ -e /usr/lib/systemd/systemd-networkd ]; then
	mkdir -p /etc/systemd/network
	printf '[Match]\nName=en* eth*\n\n[Network]\nDHCP=yes\n' >/etc/systemd/network/80-wired.network
	systemctl --quiet enable systemd-networkd
fi
# it leaves alone what ifupdown has; a live system's /etc/network/interfaces has nothing
if [ -n "$BARE" ] && [ -e /etc/NetworkManager/NetworkManager.conf ]; then
	sed -i 's/^managed=false$/managed=true/' /etc/NetworkManager/NetworkManager.conf
fi

rm -f /etc/ssh/ssh_host_* /etc/apt/apt.conf.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/99mmdebstrap
[ -L /etc/resolv.conf ] || rm -f /etc/resolv.conf
