#!/bin/sh
# Theme, icons and wallpaper, for every desktop that is there.

# shellcheck disable=SC1091 # it stands beside this
. "$HERE/common"

# FIELD VALUE FOLDER: the name of a theme; one that was uploaded is unpacked to the folder first
unpack() {
	case $2 in upload:*) ;; *) echo "$2" && return ;; esac
	archive=$HERE/../uploads/${2#upload:}
	listed=$(tar --list --file="$archive" 2>/dev/null) || fail "$1: the upload is not a tar archive"
	top=$(echo "$listed" | sed 's|^\./||; s|/.*||' | grep -v '^$' | sort -u)
	case $top in *[!A-Za-z0-9._+-]* | .* | '') fail "$1: the upload must hold one folder, with the theme's name" ;; esac
	mkdir -p "$3"
	tar --extract --no-same-owner --no-same-permissions --directory="$3" --file="$archive"
	echo "$top"
}

# FILE SECTION KEY VALUE: the key in a file such as settings.ini
set_key() {
	mkdir -p "$(dirname "$1")"
	[ -e "$1" ] || : >"$1"
	grep -qxF "[$2]" "$1" || printf '[%s]\n' "$2" >>"$1"
	sed -i "/^\[$2\]\$/,/^\[/{/^$3=/d}" "$1"
	sed -i "s|^\[$2\]\$|&\n$3=$4|" "$1"
}

# NAME VALUE: a property of Xfce's
set_xfce() {
	sed -i "s|<property name=\"$1\" type=\"[a-z]*\"\( value=\"[^\"]*\"\)\?/>|<property name=\"$1\" type=\"string\" value=\"$2\"/>|" \
		"$XFCE/xsettings.xml"
}

# SCHEMA KEY VALUE: the default of a setting of GNOME's
set_gnome() {
	[ -e "/usr/share/glib-2.0/schemas/$1.gschema.xml" ] || return 0
	printf "[%s]\n%s='%s'\n" "$1" "$2" "$3" >"/usr/share/glib-2.0/schemas/90_isobuild-$2.gschema.override"
}

set_theme() {
	theme=$(unpack theme "$THEME" /usr/share/themes)
	found=
	for folder in themes lxqt/themes plasma/look-and-feel; do
		if [ -d "/usr/share/$folder/$theme" ]; then found=yes; fi
	done
	[ -n "$found" ] || fail "theme: no package brings /usr/share/themes/$theme; add the one that has it"
	set_key /etc/gtk-3.0/settings.ini Settings gtk-theme-name "$theme"
	if [ -e "$XFCE/xsettings.xml" ]; then set_xfce ThemeName "$theme"; fi
	if [ -d "/usr/share/themes/$theme/xfwm4" ]; then window_theme >"$XFCE/xfwm4.xml"; fi
	if [ -d "/usr/share/lxqt/themes/$theme" ]; then set_key /etc/xdg/lxqt/lxqt.conf General theme "$theme"; fi
	if [ -d "/usr/share/plasma/look-and-feel/$theme" ]; then
		set_key /etc/xdg/kdeglobals KDE LookAndFeelPackage "$theme"
	fi
	set_gnome org.gnome.desktop.interface gtk-theme "$theme"
}

window_theme() {
	cat <<END
<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfwm4" version="1.0">
  <property name="general" type="empty">
    <property name="theme" type="string" value="$theme"/>
  </property>
</channel>
END
}

set_icons() {
	icons=$(unpack icon "$ICON" /usr/share/icons)
	[ -d "/usr/share/icons/$icons" ] || fail "icon: no package brings /usr/share/icons/$icons; add the one that has it"
	set_key /etc/gtk-3.0/settings.ini Settings gtk-icon-theme-name "$icons"
	if [ -e "$XFCE/xsettings.xml" ]; then set_xfce IconThemeName "$icons"; fi
	if [ -d /usr/share/lxqt ]; then set_key /etc/xdg/lxqt/lxqt.conf General icon_theme "$icons"; fi
	if [ -e /usr/bin/plasmashell ]; then set_key /etc/xdg/kdeglobals Icons Theme "$icons"; fi
	set_gnome org.gnome.desktop.interface icon-theme "$icons"
}

# FIELD VALUE
check_picture() {
	case $(head -c 4 "$HERE/../uploads/${2#upload:}" | od -A n -t x1) in
	' 89 50 4e 47' | ' ff d8 ff '*) ;;
	*) fail "$1: the upload is neither a PNG nor a JPEG picture" ;;
	esac
}

set_wallpaper() {
	check_picture wallpaper "$WALLPAPER"
	picture=/usr/share/backgrounds/isobuild
	install -D -m 644 "$HERE/../uploads/${WALLPAPER#upload:}" "$picture"
	if [ -e /usr/bin/xfdesktop ]; then xfce_backdrop >"$XFCE/xfce4-desktop.xml"; fi
	if [ -e /usr/bin/pcmanfm-qt ]; then
		set_key /etc/xdg/pcmanfm-qt/lxqt/settings.conf Desktop WallpaperMode zoom
		set_key /etc/xdg/pcmanfm-qt/lxqt/settings.conf Desktop Wallpaper "$picture"
	fi
	if [ -e /usr/bin/plasma-apply-wallpaperimage ]; then plasma_wallpaper; fi
	set_gnome org.gnome.desktop.background picture-uri "file://$picture"
	set_gnome org.gnome.desktop.background picture-uri-dark "file://$picture"
	[ -e /usr/bin/xfdesktop ] || [ -e /usr/bin/pcmanfm-qt ] || [ -e /usr/bin/plasmashell ] ||
		[ -e /usr/bin/gnome-shell ] || fail "wallpaper: no desktop that could show it is in this system"
}

# Xfce has a picture for each screen, by the name of its connector
xfce_backdrop() {
	echo '<?xml version="1.0" encoding="UTF-8"?>'
	echo '<channel name="xfce4-desktop" version="1.0"><property name="backdrop" type="empty"><property name="screen0" type="empty">'
	for connector in Virtual VGA HDMI HDMI-A DP DisplayPort eDP LVDS DVI-D DVI-I default screen; do
		for number in '' 0 1 2 3 4 -0 -1 -2 -3 -4; do
			printf '<property name="monitor%s%s" type="empty"><property name="workspace0" type="empty">' "$connector" "$number"
			printf '<property name="last-image" type="string" value="%s"/>' "$picture"
			echo '<property name="image-style" type="int" value="5"/></property></property>'
		done
	done
	echo '</property></property></channel>'
}

# Plasma takes it within a session only, so each account's first does
plasma_wallpaper() {
	install -D -m 755 "$HERE/plasma-wallpaper" /usr/lib/isobuild/plasma-wallpaper
	printf '[Desktop Entry]\nType=Application\nName=Wallpaper\nExec=/usr/lib/isobuild/plasma-wallpaper %s\nOnlyShowIn=KDE;\n' \
		"$picture" >/etc/xdg/autostart/isobuild-wallpaper.desktop
}

XFCE=/etc/xdg/xfce4/xfconf/xfce-perchannel-xml
[ -z "$THEME" ] || set_theme
[ -z "$ICON" ] || set_icons
[ -z "$WALLPAPER" ] || set_wallpaper
[ -z "$BACKGROUND" ] || check_picture background "$BACKGROUND"
for compiler in /usr/lib/*/glib-2.0/glib-compile-schemas; do
	if [ -x "$compiler" ]; then "$compiler" /usr/share/glib-2.0/schemas; fi
done
