#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# In the guest, with two processors, on the disk of /mnt, which counts what it reads:
#   reads.sh "POLICIES" ["SCENES"]
# Plays each scene (or these) by plain mmap, with what the kernel has to choose victims by, and in pools of these policies.
set -e

# shellcheck source=bench/guest/common.sh
. ./common.sh

pages=65536
memory_cgroup
bench create /mnt/file $pages

lru_gen=/sys/kernel/mm/lru_gen/enabled

# Nothing of the file is cached; where its blocks are is.
forget() {
	sync
	echo 1 > /proc/sys/vm/drop_caches
	dd if=/mnt/file of=/dev/null bs=1M iflag=direct 2> /dev/null
}

play() {
	forget
	bench reads /mnt/file $pages "$1" "$2" | sed "s/$/ by=$3/"
}

echo "info release=$(uname -r) lru_gen=$(cat $lru_gen)"
for scene in ${2:-$(bench scenes)}; do
	for enabled in y n; do
		echo $enabled > $lru_gen
		(enter_cgroup; play mmap "$scene" lru_gen_$enabled)
	done
	for policy in $1; do
		framepool policy default "$policy" > /dev/null
		play pool "$scene" "$policy"
	done
done
