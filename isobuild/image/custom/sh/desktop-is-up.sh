#!/bin/sh
# DESKTOP: waits until its session is on the screen, says so on the serial console, and ends. Who proves that an ISO
# boots waits for these words, so they are said only when they are true; until then it says now and then what is missing.
set -u

say() {
	printf '\r\nisobuild: %s\r\n' "$1" >/dev/ttyS0
}

# PROCESS: takes its display, and where its session's bus is; those of a greeter are no person's
join_session() {
	for comm in /proc/[0-9]*/comm; do
		read -r name 2>/dev/null <"$comm" || continue
		[ "$name" = "$1" ] || continue
		process=${comm%/comm}
		owner=$(stat -c %u "$process")
		[ "${owner:-0}" -ge 1000 ] || continue
		DISPLAY='' XAUTHORITY='' XDG_SESSION_TYPE='' DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$owner/bus"
		while IFS='=' read -r variable value; do
			case $variable in
			DISPLAY) DISPLAY=$value ;;
			XAUTHORITY) XAUTHORITY=$value ;;
			XDG_SESSION_TYPE) XDG_SESSION_TYPE=$value ;;
			DBUS_SESSION_BUS_ADDRESS) DBUS_SESSION_BUS_ADDRESS=$value ;;
			esac
		done <<END
$(tr '\0' '\n' 2>/dev/null <"$process/environ")
END
		export DISPLAY XAUTHORITY DBUS_SESSION_BUS_ADDRESS
		return 0
	done
	return 1
}

# CLASS: the windows of this class that can be seen, each "ID WIDTH HEIGHT"
windows() {
	xwininfo -root -tree 2>/dev/null |
		sed -n "s/^ *\(0x[0-9a-f]*\) .*(\"[^\"]*\" \"$1\").*/\1/p" |
		while read -r window; do
			facts=$(xwininfo -id "$window" 2>/dev/null)
			case $facts in *"Map State: IsViewable"*) echo "$window $(echo "$facts" | size)" ;; esac
		done
}

size() {
	sed -n 's/^ *Width: //p; s/^ *Height: //p' | paste -s -d ' '
}

# CLASS: whether one of its windows can be seen, and is more than a speck
shows() {
	windows "$1" | while read -r _ width height; do
		if [ "$width" -ge 16 ] && [ "$height" -ge 16 ]; then echo yes; fi
	done | grep -q yes
}

# CLASS: whether one of its windows is as large as the screen, and has loaded its page (surf's title tells how much)
fills() {
	windows "$1" | while read -r window extent; do
		[ "$extent" = "$(xwininfo -root 2>/dev/null | size)" ] || continue
		told=$(xprop -id "$window" _SURF_URI WM_NAME 2>/dev/null)
		case $told in *"not found"* | *'"['[0-9]*'%]'*) ;; *) echo yes ;; esac
	done | grep -q yes
}

# COMMAND...: as the person whose session it is
as_owner() {
	XDG_RUNTIME_DIR=/run/user/$owner setpriv --reuid="$owner" --clear-groups "$@" >/dev/null 2>&1
}

# NAME: whether it is on the session's bus
speaks() {
	as_owner busctl --address="$DBUS_SESSION_BUS_ADDRESS" status "$1"
}

# whether anything on the screen is not black: windows may be there long before they are painted
is_painted() {
	[ "$(xwd -root -silent 2>/dev/null | tail -c +4000 | tr -d '\000' | head -c 100000 | wc -c)" -eq 100000 ]
}

# PROCESS: whether it is what the screen has its picture from; windows of Wayland's are nobody else's to see
draws() {
	grep -q "allocated by = $1\$" /sys/kernel/debug/dri/*/state 2>/dev/null
}

splash_is_gone() { # it goes when all is there
	! (join_session ksplashqml)
}

kde_shows() {
	if [ "$XDG_SESSION_TYPE" = wayland ]; then draws kwin_wayland; else shows plasmashell && is_painted; fi
}

gnome_shows() {
	as_owner systemctl --user is-active gnome-session-initialized.target || return 1
	draws gnome-shell || draws 'KMS thread'
}

# WORDS COMMAND...: whether it is so, and else that this is what is missing
need() {
	missing=$1
	shift
	"$@"
}

session() {
	need "a session with $1" join_session "$1"
}

window() {
	need "a window of $1" shows "$1"
}

is_up() {
	case $1 in
	xfce) session xfce4-panel && window Xfce4-panel && window Xfdesktop ;;
	lxqt) session lxqt-panel && window lxqt-panel && window pcmanfm-qt ;;
	gnome) session gnome-shell && need "the picture of gnome-shell" gnome_shows ;;
	kde)
		session plasmashell && need "the end of the splash screen" splash_is_gone &&
			need "plasmashell on its bus" speaks org.kde.plasmashell && need "the picture of plasmashell" kde_shows
		;;
	kiosk) session surf && need "the page on the whole screen" fills Surf ;;
	esac
}

# the hundredths of a second that the processors have had, and those in which they had nothing to do
processors() {
	read -r _ user nice system idle _ </proc/stat
	echo "$((user + nice + system + idle)) $idle"
}

# whether the machine has nothing much to do for two seconds: all is painted then
rests() {
	before=$(processors)
	sleep 2
	after=$(processors)
	[ $(((${after#* } - ${before#* }) * 2)) -gt $((${after% *} - ${before% *})) ]
}

looks=0
until is_up "$1"; do
	sleep 2
	looks=$((looks + 1))
	if [ $((looks % 30)) -eq 0 ]; then say "the desktop waits for $missing"; fi
done
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
	if rests; then break; fi
done
say "desktop is up"
