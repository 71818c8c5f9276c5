#!/bin/sh
# Which units start with the system, and which do not.

# shellcheck disable=SC1091 # it stands beside this
. "$HERE/common"

# UNIT: its file; that of getty@tty2.service is getty@.service
exists() {
	name=$(echo "$1" | sed 's/@[^.]*\./@./')
	for folder in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system \
		/lib/systemd/system; do
		if [ -e "$folder/$1" ] || [ -e "$folder/$name" ]; then return 0; fi
	done
	[ -e "/etc/init.d/${1%.service}" ]
}

for unit in $SERVICES_ON; do
	exists "$unit" || fail "services_on: no package brings the unit $unit"
	systemctl --quiet unmask "$unit" || true
	systemctl --quiet enable "$unit" || fail "services_on: the unit $unit can't be switched on"
done
for unit in $SERVICES_OFF; do
	exists "$unit" || fail "services_off: no package brings the unit $unit"
	systemctl --quiet disable "$unit" || true
	# what others start is off only if nobody can
	case $(systemctl is-enabled "$unit" || true) in disabled | masked) ;; *) systemctl --quiet mask "$unit" ;; esac
done
