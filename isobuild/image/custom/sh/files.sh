#!/bin/sh
# Files and folders: `files` has a line for each, its fields divided by tabs (where its content is, or "-" for a folder;
# mode, owner, group, path).

fail() {
	echo "E: files: $1" >&2
	exit 65
}

# FOLDER: made with those above it; they belong to who has the nearest that was there
make_folder() {
	[ ! -d "$1" ] || return 0
	above=$(dirname "$1")
	make_folder "$above"
	mkdir "$1" || fail "$1 can't be a folder: there is a file in its place"
	chown --reference="$above" "$1"
}

put() {
	source=$1 mode=$2 owner=$3 group=$4 path=$5
	getent passwd "$owner" >/dev/null || fail "$path can't belong to $owner: there is no such account"
	getent group "$group" >/dev/null || fail "$path can't belong to the group $group: there is no such group"
	if [ "$source" = - ]; then
		make_folder "$path"
	else
		[ ! -d "$path" ] || fail "$path is a folder of the system"
		make_folder "$(dirname "$path")"
		rm -f "$path"
		cp --no-preserve=all "$HERE/../$source" "$path" || fail "$path can't be written"
	fi
	chown "$owner:$group" "$path"
	chmod "$mode" "$path"
}

tab=$(printf '\t')
while IFS="$tab" read -r source mode owner group path; do
	put "$source" "$mode" "$owner" "$group" "$path"
done <"$HERE/files"
