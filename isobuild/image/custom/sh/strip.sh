#!/bin/sh
# Without documentation, or without the languages that were not ordered: what the packages' own files had of them is
# removed, and dpkg leaves them out from now on.

install -D -m 644 "$HERE/dpkg.cfg" /etc/dpkg/dpkg.cfg.d/isobuild
if [ "$DOCS" = no ]; then
	find /usr/share/doc -mindepth 1 ! -type d ! -name copyright -delete
	find /usr/share/doc -mindepth 1 -type d -empty -delete
	for folder in man info doc-base gtk-doc help gnome/help; do
		if [ -d "/usr/share/$folder" ]; then find "/usr/share/$folder" -mindepth 1 ! -type d -delete; fi
	done
fi
if [ "$TRANSLATIONS" = no ]; then
	for folder in /usr/share/locale/*/; do
		language=$(basename "$folder")
		case " $LANGUAGES " in *" $language "*) ;; *) rm -rf "$folder/LC_MESSAGES" ;; esac
	done
fi
