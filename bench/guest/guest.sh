#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# In the guest: guest.sh BACKING "WORKLOADS" "WAYS". Makes the backing file and measures each workload each way.
# BACKING is ext4 (a file on ext4 over brd), brd or null_blk (the devices themselves).
set -e

backing=$1 workloads=$2 ways=$3
pages=65536

memory=/sys/fs/cgroup
mount -t cgroup2 none $memory
echo +memory > $memory/cgroup.subtree_control
mkdir $memory/mmap
echo 64M > $memory/mmap/memory.max

case $backing in
ext4)
	mkfs.ext4 -q -F /dev/ram0
	mkdir -p /bench
	mount /dev/ram0 /bench
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
	echo "guest.sh: no backing $backing" >&2
	exit 1
	;;
esac
bench create $file $pages

echo "info release=$(uname -r) lru_gen=$(cat /sys/kernel/mm/lru_gen/enabled)"
for workload in $workloads; do
	for way in $ways; do
		sync
		echo 3 > /proc/sys/vm/drop_caches
		# The memory of the pool is the region, that of plain mmap is what the cgroup allows.
		(
			[ "$way" != mmap ] || echo 0 > $memory/mmap/cgroup.procs
			exec bench run "$file" $pages "$way" "$workload"
		)
	done
done
