#!/bin/sh
# Files and folders: `files` has a line for each, its fields divided by tabs (where its content is, or "-" for a folder;
# mode, or "-" for what is in a tar; owner, group, path).

# shellcheck disable=SC1091 # it stands beside this
. "$HERE/common"

refuse() {
	fail "files: $1"
}

# SAID: what the system said of a failure; a full disk is not the order's
check_room() {
	case $1 in *'No space left on device'* | *'Disk quota exceeded'*)
		echo "E: the disk is full: $1" >&2
		exit 71
		;;
	esac
}

# FOLDER: made with those above it; they belong to who has the nearest that was there
make_folder() {
	[ ! -d "$1" ] || return 0
	above=$(dirname "$1")
	make_folder "$above"
	said=$(mkdir "$1" 2>&1) || {
		check_room "$said"
		refuse "$1 can't be a folder: there is a file in its place"
	}
	chown --reference="$above" "$1"
}

# TAR PATH: all that stops it is the order's fault
check_tar() {
	listed=$(tar --list --absolute-names --file="$1" 2>/dev/null) || listed=
	[ -n "$listed" ] || refuse "$2: the upload is not a tar archive with something in it"
	if printf '%s\n' "$listed" | grep -qE '^/|^(.*/)?\.\.(/|$)'; then
		refuse "$2: the tar has a path in it that is absolute, or has '..' in it"
	fi
	if tar --list --verbose --absolute-names --file="$1" 2>/dev/null | grep -q '^[^dhl-]'; then
		refuse "$2: the tar has more in it than folders, files and links"
	fi
}

# TAR PATH OWNER GROUP: what is in the tar, with its modes; folders that are there stay as they are
unpack() {
	check_tar "$1" "$2"
	scratch=$(mktemp -d)
	said=$(tar --extract --no-same-owner --preserve-permissions --directory="$scratch" --file="$1" 2>&1) || {
		check_room "$said"
		refuse "$2: the tar can't be unpacked: $said"
	}
	said=$( (tar --create --owner="$3" --group="$4" --directory="$scratch" . | give "$2") 2>&1) || {
		check_room "$said"
		refuse "$2: what is in the tar can't be put there: $said"
	}
	rm -rf "$scratch"
}

# FOLDER: what is in the tar on stdin goes there
give() {
	tar --extract --same-owner --preserve-permissions --no-overwrite-dir --keep-directory-symlink --directory="$1"
}

# FOLDER OWNER GROUP: made, if it is not there
make_top() {
	[ ! -d "$1" ] || return 0
	make_folder "$1"
	chown "$2:$3" "$1"
}

put() {
	source=$1 mode=$2 owner=$3 group=$4 path=$5
	getent passwd "$owner" >/dev/null || refuse "$path can't belong to $owner: there is no such account"
	getent group "$group" >/dev/null || refuse "$path can't belong to the group $group: there is no such group"
	if [ "$mode" = - ]; then
		make_top "$path" "$owner" "$group"
		unpack "$HERE/../$source" "$path" "$owner" "$group"
		return
	elif [ "$source" = - ]; then
		make_folder "$path"
	else
		[ ! -d "$path" ] || refuse "$path is a folder of the system"
		make_folder "$(dirname "$path")"
		rm -f "$path"
		said=$(cp --no-preserve=all "$HERE/../$source" "$path" 2>&1) || {
			check_room "$said"
			refuse "$path can't be written: $said"
		}
	fi
	chown "$owner:$group" "$path"
	chmod "$mode" "$path"
}

tab=$(printf '\t')
while IFS="$tab" read -r source mode owner group path; do
	put "$source" "$mode" "$owner" "$group" "$path"
done <"$HERE/files"
