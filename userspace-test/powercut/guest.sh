#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# In the guest: check what was promised before the last power cut, then write until the next one.
#
# usage: guest.sh SEED ROUND [check]

port=
for sys in /sys/class/virtio-ports/*; do
	[ "$(cat "$sys/name")" = framepool.promise ] && port=/dev/${sys##*/}
done

# disk SERIAL: its device.
disk() {
	for sys in /sys/block/vd*; do
		[ "$(cat "$sys/serial")" = "$1" ] && echo "/dev/${sys##*/}"
	done
}

mkdir -p /run/cut
mount -t ext4 "$(disk fs)" /run/cut || {
	echo "error the file system does not mount" > "$port"
	exit 1
}
exec recorder "$port" promises "$1" "$2" "${3:-write}" \
	records fs /run/cut/records direct direct /run/cut/direct records raw "$(disk raw)" \
	ledger ledger /run/cut/ledger ledger rawledger "$(disk rawledger)"
