#!/bin/sh
# A script that runs once, at the first boot; one that fails runs again at the next.

install -D -m 755 "$HERE/first-boot" /usr/lib/isobuild/first-boot
cat >/etc/systemd/system/isobuild-first-boot.service <<'END'
[Unit]
Description=What was ordered for the first boot
ConditionPathExists=!/var/lib/isobuild/first-boot-done
After=network.target live-config.service

[Service]
Type=oneshot
ExecStart=/usr/lib/isobuild/first-boot
ExecStartPost=/bin/mkdir -p /var/lib/isobuild
ExecStartPost=/bin/touch /var/lib/isobuild/first-boot-done
TimeoutStartSec=infinity
RemainAfterExit=yes

[Install]
WantedBy=multi-user.target
END
systemctl --quiet enable isobuild-first-boot.service
