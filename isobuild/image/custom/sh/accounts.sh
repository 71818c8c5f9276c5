#!/bin/sh
# The people of this system: `accounts` has a line for each, its fields divided by tabs (name, full name, password's
# hash, shell, groups, sudo); `keys/NAME` has the SSH keys of each who has some.

# shellcheck disable=SC1091 # it stands beside this
. "$HERE/common"

# the groups that people at the machine are in, as far as the packages have made them
USUAL="audio cdrom dip floppy video plugdev netdev powerdev scanner bluetooth lpadmin"

# NAME GROUPS: those that were ordered must be there
join() {
	joined=
	for group in $USUAL; do
		if getent group "$group" >/dev/null; then joined="$joined,$group"; fi
	done
	for group in $2; do
		getent group "$group" >/dev/null || fail "users: $1 can't be in the group $group: no package makes it"
		joined="$joined,$group"
	done
	[ -z "$joined" ] || usermod --append --groups "${joined#,}" "$1"
}

# NAME HOW
let_sudo() {
	[ "$2" != no ] || return 0
	command -v sudo >/dev/null || fail "users: $1 can't have sudo: the package sudo is left out"
	usermod --append --groups sudo "$1"
	[ "$2" = nopasswd ] || return 0
	echo "$1 ALL=(ALL) NOPASSWD: ALL" >"/etc/sudoers.d/isobuild-$1"
	chmod 440 "/etc/sudoers.d/isobuild-$1"
}

# NAME
let_ssh() {
	[ -e "$HERE/keys/$1" ] || return 0
	home=$(getent passwd "$1" | cut -d: -f6)
	install -d -m 700 -o "$1" -g "$1" "$home/.ssh"
	install -m 600 -o "$1" -g "$1" "$HERE/keys/$1" "$home/.ssh/authorized_keys"
}

# NAME: whether there is such an account of a person, as an ISO that is changed may have
is_person() {
	number=$(getent passwd "$1" | cut -d: -f3)
	[ -z "$BARE" ] && [ -n "$number" ] && [ "$number" -ge 1000 ]
}

create() {
	[ -x "$4" ] || fail "users: $1 can't have the shell $4: no package brings it"
	if is_person "$1"; then
		usermod --comment="$2" --shell="$4" "$1"
	else
		make_account "$1" "$2" "$4"
	fi
	[ "$3" = - ] || printf "%s:%s\n" "$1" "$3" | chpasswd --encrypted
	join "$1" "$5"
	let_sudo "$1" "$6"
	let_ssh "$1"
}

make_account() { # NAME COMMENT SHELL
	if getent passwd "$1" >/dev/null; then fail "users: $1 is an account of the packages' own; choose another name"; fi
	group=--user-group
	if getent group "$1" >/dev/null; then group="--gid=$1"; fi
	useradd --no-log-init --create-home --comment="$2" --shell="$3" "$group" "$1"
}

tab=$(printf '\t')
while IFS="$tab" read -r account full password shell groups sudo; do
	[ "$groups" != - ] || groups=
	create "$account" "${full#-}" "$password" "$shell" "$groups" "$sudo"
	# live-config would let its user do what only an administrator may
	if [ "$account" = "${AUTOLOGIN:-$FIRST}" ] && [ "$sudo" != nopasswd ]; then done_at_build policykit; fi
	# the day of the last change would be the day of the build
	for file in /etc/shadow /etc/shadow-; do
		[ ! -e "$file" ] || sed -i "s/^\($account:[^:]*\):[^:]*:/\1::/" "$file"
	done
done <"$HERE/accounts"

mkdir -p /etc/live/config.conf.d
{
	[ -z "$NAME" ] || echo "LIVE_HOSTNAME=\"$NAME\""
	echo "LIVE_USERNAME=\"${AUTOLOGIN:-$FIRST}\""
	[ -n "$AUTOLOGIN" ] || echo 'LIVE_CONFIG_NOAUTOLOGIN="true"'
} >/etc/live/config.conf.d/isobuild.conf

# what live-config would do for its own user at each boot
sed -i '/^[^#].*pam_lastlog\.so/s/^/# /' /etc/pam.d/login
done_at_build user-setup sudo util-linux login
