#!/bin/sh
# A setup hook of mmdebstrap: gives the new system the packages of the base, and a list of nothing else, so that it asks
# no archive, reads no more than it needs, and has no choice: give IN SUITE ARCHITECTURE ROOT
set -eu
in=$1 suite=$2 architecture=$3 root=$4
lists=$root/var/lib/apt/lists archives=$root/var/cache/apt/archives
mkdir -p "$archives/partial" "$lists/partial"
cp "$in/releases/"* "$lists/"
for release in "$lists"/*_dists_"${suite}"_*Release; do list=${release%_*Release}_main_binary-${architecture}_Packages; done
while read -r file size sha256; do
	cp "$in/packages/$file" "$archives/"
	dpkg-deb --field "$archives/$file"
	printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' "$file" "$size" "$sha256"
done <"$in/base.list" >"$list"
if grep -q '^usr-is-merged_' "$in/base.list"; then # as debootstrap does it
	for folder in bin sbin lib lib32 lib64 libx32; do
		mkdir -p "$root/usr/$folder"
		ln -s "usr/$folder" "$root/$folder"
	done
fi
