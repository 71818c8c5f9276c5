#!/bin/sh
# Calamares installs what runs. Debian's settings for it look for one squashfs, and for packages on the medium or at an
# archive; here the system is in layers, and has all that is needed. An account that is the live system's own, and what
# lets it in, are not installed.

modules=/etc/calamares/modules settings=/etc/calamares/settings.conf
[ -e "$settings" ] || exit 0

# a folder is mounted where it stands, without what is mounted in it; "ext4" is how its files are counted
cat >$modules/unpackfs.conf <<'END'
---
unpack:
    - source: "/"
      sourcefs: "ext4"
      destination: ""
      exclude: [ "/tmp/*", "/var/tmp/*", "/var/log/journal/*", "/var/lib/live/*" ]
END

# what only a live system needs, as far as it is there: of a name that it does not know apt would remove nothing at all
{
	printf -- '---\nbackend: apt\nupdate_db: false\noperations:\n  - remove:\n'
	# shellcheck disable=SC2016 # dpkg-query reads it
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'live-*' 'calamares*' | sed -n 's/^installed /      - /p'
} >$modules/packages.conf

shell_process() { # NAME: reads its commands
	printf -- '---\ndontChroot: false\ntimeout: 600\nscript:\n' >"$modules/shellprocess-$1.conf"
	sed 's/.*/    - "&"/' >>"$modules/shellprocess-$1.conf"
	printf -- '- id: %s\n  module: shellprocess\n  config: shellprocess-%s.conf\n' "$1" "$1" >>"$settings"
}

# who may do anything without a password may install without one
rule=/etc/polkit-1/rules.d/50-isobuild-installer.rules
[ -z "$LIVE_ACCOUNT" ] || cat >$rule <<END
polkit.addRule(function (action, subject) {
  if (action.id == "com.github.calamares.calamares.pkexec.run" && subject.user == "$LIVE_ACCOUNT") return polkit.Result.YES;
});
END

printf '\ninstances:\n' >>"$settings"
{
	[ -z "$LIVE_ACCOUNT" ] || echo "-userdel --remove $LIVE_ACCOUNT"
	[ -z "$LIVE_ACCOUNT" ] || echo "rm -f /etc/sudoers.d/isobuild-$LIVE_ACCOUNT"
	echo "rm -f $rule"
	echo 'rm -rf /etc/lightdm/lightdm.conf.d/50-isobuild.conf /etc/sddm.conf.d/isobuild.conf /etc/live'
	echo '-sed -i /^AutomaticLogin/d /etc/gdm3/daemon.conf'
	echo '-systemctl disable isobuild-desktop-is-up.service'
} | shell_process settle
shell_process boot <<'END'
mkdir -p /boot/grub
cp -n /usr/share/grub/default/grub /etc/default/grub
END
echo update-grub | shell_process menu # when there is an initramfs: the medium had its own
sed -i 's/^\( *- \)unpackfs$/&\n\1shellprocess@settle/; s/^\( *- \)bootloader-config$/\1shellprocess@boot/
	s/^\( *- \)initramfs$/&\n\1shellprocess@menu/
	/^ *- \(sources-media\|sources-media-unmount\|sources-final\|dpkg-unsafe-io\|dpkg-unsafe-io-undo\)$/d' "$settings"
