#!/bin/sh
# Who is at the desktop when it comes up; and a unit that tells the serial console when it has.

# shellcheck disable=SC1091 # it stands beside this
. "$HERE/common"

# NAMES: the first session that there is
session() {
	for name; do
		for folder in xsessions wayland-sessions; do
			if [ -e "/usr/share/$folder/$name.desktop" ]; then echo "$name" && return; fi
		done
	done
}

if [ "$DESKTOP" = kiosk ]; then
	install -D -m 755 "$HERE/kiosk" /usr/lib/isobuild/kiosk
	install -d /etc/isobuild
	echo "$KIOSK_URL" >/etc/isobuild/kiosk
	printf '[Desktop Entry]\nType=Application\nName=Kiosk\nExec=/usr/lib/isobuild/kiosk\n' \
		>/usr/share/xsessions/isobuild-kiosk.desktop
fi
case $DESKTOP in
kiosk) chosen=$(session isobuild-kiosk) ;;
xfce) chosen=$(session xfce) ;;
lxqt) chosen=$(session lxqt) ;;
kde) chosen=$(session plasmax11 plasma) ;;
*) chosen= ;; # the display manager knows
esac

if [ -d /etc/lightdm ]; then
	mkdir -p /etc/lightdm/lightdm.conf.d
	{
		echo '[Seat:*]'
		[ -z "$chosen" ] || echo "user-session=$chosen"
		[ -z "$AUTOLOGIN" ] || printf 'autologin-user=%s\nautologin-user-timeout=0\n' "$AUTOLOGIN"
	} >/etc/lightdm/lightdm.conf.d/50-isobuild.conf
	done_at_build lightdm xinit
fi
if [ -e /usr/bin/sddm ]; then
	mkdir -p /etc/sddm.conf.d
	[ -z "$AUTOLOGIN" ] || printf '[Autologin]\nUser=%s\nSession=%s\n' "$AUTOLOGIN" "$chosen" >/etc/sddm.conf.d/isobuild.conf
	done_at_build sddm xinit
fi
if [ -e /etc/gdm3/daemon.conf ]; then
	[ -z "$AUTOLOGIN" ] || # instead of one that a remastered ISO has
		sed -i "/^AutomaticLogin/d; s/^\[daemon\]$/[daemon]\nAutomaticLoginEnable=true\nAutomaticLogin=$AUTOLOGIN/" \
			/etc/gdm3/daemon.conf
	done_at_build gdm3 xinit
fi

[ "$DESKTOP" != none ] && [ -n "$AUTOLOGIN" ] || exit 0
install -D -m 755 "$HERE/desktop-is-up" /usr/lib/isobuild/desktop-is-up
cat >/etc/systemd/system/isobuild-desktop-is-up.service <<END
[Unit]
Description=Tell the serial console when the desktop is up
After=display-manager.service

[Service]
ExecStart=/usr/lib/isobuild/desktop-is-up $DESKTOP
RuntimeMaxSec=1800

[Install]
WantedBy=graphical.target
END
systemctl --quiet enable isobuild-desktop-is-up.service
