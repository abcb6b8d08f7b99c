#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What the package's udev rule does, by udev itself, in a VM: who may open the control node. Prints TAP.

# shellcheck source=tap.sh
. ./tap.sh

# owned NODE OWNER:GROUP:MODE
owned() {
	is=$(stat -c %u:%g:%a "/dev/framepool/$1")
	echo "$is" > "$said/out"
	[ "$is" = "$2" ]
	ok $? "$1 is $2"
}

# member STATUS GROUP COMMAND...: by a user who is nobody in particular, and in this group.
member() {
	status=$1 in=$2
	shift 2
	gives "$status" setpriv --reuid 1000 --regid 1000 --groups "$in" "$@"
}

group=970
echo "framepool:x:$group:" >> /etc/group
echo 'some bytes' > /mnt/a
chmod 666 /mnt/a

owned control 0:0:600
member 4 $group framepool attach /mnt/a
says err 'Permission denied'

mkdir -p /run/udev /lib/udev/rules.d
cp 60-framepool.rules /lib/udev/rules.d/
ln -s "$PWD/udevadm" /tmp/systemd-udevd
gives 0 /tmp/systemd-udevd --daemon
gives 0 udevadm trigger --settle --subsystem-match=framepool
owned control 0:$group:660

member 0 $group framepool attach /mnt/a
owned a 1000:1000:600
member 0 $group framepool list
member 0 $group framepool detach a
member 4 1000 framepool attach /mnt/a
says err 'Permission denied'
member 4 1000 framepool list
gives 0 framepool attach /mnt/a --mode 640 --group framepool
owned a 0:$group:640
gives 0 udevadm trigger --settle --subsystem-match=framepool
owned a 0:$group:640

# A module that is loaded while udev runs.
gives 0 framepool detach a
gives 0 rmmod framepool
gives 0 insmod /lib/framepool/framepool.ko size=8M
gives 0 udevadm settle
owned control 0:$group:660
gives 0 udevadm control --exit
finish
