#!/bin/sh
# Calamares installs what runs: the medium has it in layers, and Debian's settings look for one file. An account that is
# the live system's own, and what lets it in, are not installed.

settings=/etc/calamares/settings.conf
[ -e "$settings" ] || exit 0

# a folder is mounted where it stands, without what is mounted in it; "ext4" is how its files are counted
cat >/etc/calamares/modules/unpackfs.conf <<'END'
---
unpack:
    - source: "/"
      sourcefs: "ext4"
      destination: ""
      exclude: [ "/tmp/*", "/var/tmp/*", "/var/log/journal/*", "/var/lib/live/*" ]
END

{
	printf -- '---\ndontChroot: false\ntimeout: 120\nscript:\n'
	[ -z "$LIVE_ACCOUNT" ] || printf '    - "-userdel --remove %s"\n' "$LIVE_ACCOUNT"
	[ -z "$LIVE_ACCOUNT" ] || printf '    - "rm -f /etc/sudoers.d/isobuild-%s"\n' "$LIVE_ACCOUNT"
	printf '    - "rm -rf /etc/lightdm/lightdm.conf.d/50-isobuild.conf /etc/sddm.conf.d/isobuild.conf /etc/live"\n'
	printf '    - "-sed -i /^AutomaticLogin/d /etc/gdm3/daemon.conf"\n'
	printf '    - "-systemctl disable isobuild-desktop-is-up.service"\n'
} >/etc/calamares/modules/shellprocess-isobuild.conf
sed -i '/^ *- unpackfs$/a\  - shellprocess@isobuild' "$settings"
cat >>"$settings" <<'END'

instances:
- id: isobuild
  module: shellprocess
  config: shellprocess-isobuild.conf
END
