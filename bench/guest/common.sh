# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# What the scripts of the guest share. To be sourced.

cgroups=/sys/fs/cgroup

# A memory cgroup as large as the region.
memory_cgroup() {
	mount -t cgroup2 none $cgroups
	echo +memory > $cgroups/cgroup.subtree_control
	mkdir $cgroups/mmap
	echo 64M > $cgroups/mmap/memory.max
}

# Put the shell that calls it, and what it starts, in there.
enter_cgroup() {
	echo 0 > $cgroups/mmap/cgroup.procs
}

# Make an ext4 on a device and mount it on /bench.
ext4_on() {
	# Otherwise ext4 clears what mkfs has left, some time after the mount, and that would be counted.
	mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$1"
	mkdir -p /bench
	mount "$1" /bench
}
