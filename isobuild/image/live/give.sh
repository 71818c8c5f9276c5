#!/bin/sh
# A setup hook of mmdebstrap: gives the new system the packages of the base, and lists of nothing else, so that it asks
# no archive and reads no more than it needs: give IN ROOT
set -eu
in=$1 root=$2
mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"
while read -r file; do cp "$in/packages/$file" "$root/var/cache/apt/archives/"; done <"$in/base.list"
for list in "$in"/lists/*; do
	name=${list##*/}
	case $name in
	*_Packages | *_Packages.*)
		/usr/lib/apt/apt-helper cat-file "$list" | LC_ALL=C awk -F '\n' -v files="$in/base.list" '
			BEGIN { while ((getline file <files) > 0) { sub(/_.*/, "", file); wanted["Package: " file] } RS = "" }
			$1 in wanted { print $0 "\n" }
		' >"$root/var/lib/apt/lists/${name%%_Packages*}_Packages"
		;;
	*) cp "$list" "$root/var/lib/apt/lists/" ;;
	esac
done
if grep -q '^usr-is-merged_' "$in/base.list"; then # as debootstrap does it
	for folder in bin sbin lib lib32 lib64 libx32; do
		mkdir -p "$root/usr/$folder"
		ln -s "usr/$folder" "$root/$folder"
	done
fi
