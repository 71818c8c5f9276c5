"""Desktops and purposes, each a list of packages that is as short as it may be."""

from typing import Literal

from isobuild.image.apt import ARCHITECTURE

Desktop = Literal["none", "xfce", "lxqt", "gnome", "kde", "kiosk"]
Preset = Literal[
    "ssh-server", "web-server", "print-server", "file-server", "laptop", "development", "education", "office", "rescue"
]
Installer = Literal["none", "calamares"]

SCREEN = (
    "xserver-xorg-core xserver-xorg-input-libinput xserver-xorg-video-fbdev xserver-xorg-video-vesa x11-utils "
    "x11-xserver-utils libpam-systemd dbus-user-session fonts-dejavu-core"
)
#: the packages that show a wallpaper, as looks.sh looks for their programs
BACKDROPS = ("xfdesktop4", "pcmanfm-qt", "plasma-workspace", "gnome-shell")
GREETER = "lightdm lightdm-gtk-greeter"
PACKAGES: dict[Desktop, str] = {
    "none": "",
    "xfce": f"{SCREEN} {GREETER} xfce4 xfce4-terminal mousepad gvfs network-manager-gnome librsvg2-common",
    "lxqt": f"{SCREEN} {GREETER} lxqt-core qterminal featherpad openbox breeze-icon-theme network-manager-gnome",
    "gnome": "gnome-core gdm3 dbus-user-session libpam-systemd fonts-dejavu-core",
    "kde": "kde-plasma-desktop sddm plasma-nm konsole x11-utils x11-apps dbus-user-session libpam-systemd",
    "kiosk": f"{SCREEN} {GREETER} matchbox-window-manager surf",
}
#: MiB of memory, and seconds without KVM, four to five times what was measured
BOOTS: dict[Desktop, tuple[int, float]] = {
    "none": (1024, 400.0),
    "xfce": (1024, 700.0),
    "lxqt": (1024, 700.0),
    "gnome": (2048, 1200.0),
    "kde": (2048, 1200.0),
    "kiosk": (1024, 600.0),
}
PRESETS: dict[Preset, str] = {
    "ssh-server": "openssh-server",
    "web-server": "nginx openssl",
    "print-server": "cups cups-client cups-filters printer-driver-gutenprint avahi-daemon",
    "file-server": "samba nfs-kernel-server",
    "laptop": "wpasupplicant wireless-regdb iw bluez rfkill acpi-support-base powertop tlp",
    "development": "build-essential git gdb cmake python3 python3-venv pkg-config manpages-dev",
    "education": "gcompris-qt tuxpaint kalzium",
    "office": "libreoffice-writer libreoffice-calc libreoffice-impress evince",
    "rescue": "gddrescue testdisk smartmontools parted gdisk dosfstools ntfs-3g btrfs-progs lvm2 cryptsetup rsync",
}
INSTALLERS: dict[Installer, str] = {
    "none": "",
    "calamares": f"calamares calamares-settings-debian rsync grub2-common grub-efi-{ARCHITECTURE}-bin grub-pc-bin "
    "efibootmgr fdisk dosfstools xdg-user-dirs",
}
#: which package brings a theme; those of others are named among the packages
THEMES = {
    "Adwaita": "gnome-themes-extra",
    "Adwaita-dark": "gnome-themes-extra",
    "HighContrast": "gnome-themes-extra",
    "Arc": "arc-theme",
    "Arc-Dark": "arc-theme",
    "Arc-Darker": "arc-theme",
    "Blackbird": "blackbird-gtk-theme",
    "Bluebird": "bluebird-gtk-theme",
    "Breeze": "breeze-gtk-theme",
    "Breeze-Dark": "breeze-gtk-theme",
    "Greybird": "greybird-gtk-theme",
    "Greybird-dark": "greybird-gtk-theme",
    "Numix": "numix-gtk-theme",
}
ICONS = {
    "Adwaita": "adwaita-icon-theme",
    "breeze": "breeze-icon-theme",
    "breeze-dark": "breeze-icon-theme",
    "elementary-xfce": "elementary-xfce-icon-theme",
    "elementary-xfce-dark": "elementary-xfce-icon-theme",
    "Numix": "numix-icon-theme",
    "Papirus": "papirus-icon-theme",
    "Papirus-Dark": "papirus-icon-theme",
    "Papirus-Light": "papirus-icon-theme",
    "Tango": "tango-icon-theme",
}
#: what unpacks a tar that was uploaded, however it was packed
UNPACKERS = "xz-utils bzip2"
