#!/bin/sh
# Language, clock and keyboard. What live-config would do at each boot is done here, once; its state files say so. What
# is empty stays as it is.

# shellcheck disable=SC1091 # it stands beside this
. "$HERE/common"

# NAME: a locale as `locale -a` says it
is_built() {
	locale -a | grep -qxF "$(echo "$1" | sed 's/UTF-8/utf8/')"
}

# NAME: id_ID.UTF-8 is made of id_ID, sr_RS.UTF-8@latin of sr_RS@latin
build() {
	source=$(echo "$1" | sed 's/\.UTF-8//')
	[ -e "/usr/share/i18n/locales/$source" ] || fail "locale: $1 is not known to this release"
	localedef --inputfile="$source" --charmap=UTF-8 --alias-file=/usr/share/locale/locale.alias "$1"
}

# shellcheck disable=SC2153
for wanted in $LOCALE $LOCALES; do
	[ "$wanted" != C.UTF-8 ] || continue
	is_built "$wanted" || build "$wanted"
	# as locale-gen reads it, when packages come later
	if ! grep -qxF "$wanted UTF-8" /etc/locale.gen; then echo "$wanted UTF-8" >>/etc/locale.gen; fi
done
if [ -n "$LOCALE" ]; then
	echo "LANG=$LOCALE" >/etc/default/locale
	done_at_build locales
fi

if [ -n "$TIMEZONE" ]; then
	[ -e "/usr/share/zoneinfo/$TIMEZONE" ] || fail "timezone: $TIMEZONE is not known to this release"
	ln -sf "/usr/share/zoneinfo/$TIMEZONE" /etc/localtime
	echo "$TIMEZONE" >/etc/timezone
	done_at_build tzdata
fi

[ -n "$KEYBOARD" ] || exit 0
printf 'XKBMODEL="pc105"\nXKBLAYOUT="%s"\nXKBVARIANT=""\nXKBOPTIONS=""\nBACKSPACE="guess"\n' "$KEYBOARD" \
	>/etc/default/keyboard
if command -v setupcon >/dev/null; then
	setupcon --save-only
	# at boot the saved keymap counts only if it is newer than these
	touch -d 2000-01-01 /etc/default/keyboard /etc/default/console-setup
fi
done_at_build keyboard-configuration
