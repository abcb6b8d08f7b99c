#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# In the guest: count.sh BACKING "WORKLOADS" "WAYS". Makes the backing file and measures each workload each way.
# BACKING is ext4 (a file on ext4 over brd), brd or null_blk (the devices themselves).
set -e

# shellcheck source=bench/guest/common.sh
. ./common.sh

backing=$1 workloads=$2 ways=$3
pages=65536

memory_cgroup

case $backing in
ext4)
	ext4_on /dev/ram0
	file=/bench/file
	;;
brd)
	file=/dev/ram0
	;;
null_blk)
	modprobe null_blk nr_devices=0
	null=/sys/kernel/config/nullb/nullb0
	mkdir $null
	echo 300 > $null/size
	echo 4096 > $null/blocksize
	echo 1 > $null/memory_backed
	echo 1 > $null/power
	file=/dev/nullb0
	[ -b $file ]
	;;
*)
	echo "count.sh: no backing $backing" >&2
	exit 1
	;;
esac
bench create $file $pages
# ext4 remembers where blocks are; from here on it does.
dd if=$file of=/dev/null bs=1M iflag=direct 2>/dev/null

echo "info release=$(uname -r) lru_gen=$(cat /sys/kernel/mm/lru_gen/enabled)"
for workload in $workloads; do
	for way in $ways; do
		# Devices are used directly in any case.
		[ "$way" != direct ] || [ "$backing" = ext4 ] || continue
		sync
		echo 1 > /proc/sys/vm/drop_caches
		# The memory of the pool is the region, that of plain mmap is what the cgroup allows.
		(
			[ "$way" != mmap ] || enter_cgroup
			exec bench run "$file" $pages "$way" "$workload"
		)
	done
done
