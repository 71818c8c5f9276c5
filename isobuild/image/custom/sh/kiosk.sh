#!/bin/sh
# One page on the whole screen; whoever ends it gets it again. The page's address is in /etc/isobuild/kiosk.

read -r page </etc/isobuild/kiosk
xset s off -dpms
matchbox-window-manager -use_titlebar no &
while :; do
	surf -F -K "$page"
	sleep 1
done
