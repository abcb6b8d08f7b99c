#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# In the guest, with two processors, on ext4 over brd:
#   live.sh scale ROUNDS | latency SECONDS | delay SECONDS | fio SECONDS "JOBS"
set -e

# shellcheck source=bench/guest/common.sh
. ./common.sh

pages=65536
memory_cgroup

# One file of each way, so that neither finds the other's pages in the page cache.
files() {
	ext4_on "$1"
	bench create /bench/pooled $pages
	bench create /bench/mapped $pages
	echo "info release=$(uname -r) processors=$(nproc)"
}

# The whole of the benchmark is in the cgroup: frames of the pool are not charged to it.
limited() {
	(enter_cgroup; "$@")
}

latency() {
	limited bench latency /bench/pooled $pages pool "$1" "$2"
	sync
	limited bench latency /bench/mapped $pages mmap "$1" "$2"
	sync
}

# Reads of the device take no time, each write this many milliseconds.
slow_table() {
	echo "0 $(blockdev --getsz /dev/ram0) delay /dev/ram0 0 0 /dev/ram0 0 $1"
}

slow_writes() {
	slow_table "$1" | dmsetup load slow
	dmsetup suspend slow
	dmsetup resume slow
}

# Slow while it is measured; what has to be written when the program ends is not what is measured.
slow_latency() {
	slow_writes 20
	: > /run/latency
	limited bench latency "$1" $pages "$2" write "$3" >> /run/latency & program=$!
	while [ ! -s /run/latency ] && kill -0 $program 2> /dev/null; do
		sleep 0.2
	done
	slow_writes 0
	# All there is; a shell forgets who has ended.
	wait
	cat /run/latency
	sync
}

# One line: fio WHAT WAY and its report.
fio_job() {
	printf 'fio %s %s ' "$4" "$1"
	fio --name=job --ioengine=mmap --filename="$2" --size=256M --bs=4k --rw="$4" --runtime="$3" --time_based \
		--norandommap --randseed=1 --thread --output-format=json | tr -d '\n'
	echo
	sync
}

case $1 in
scale)
	files /dev/ram0
	for what in load minor miss write; do
		limited bench scale /bench/pooled /bench/mapped $pages $what "$2"
	done
	;;
latency)
	files /dev/ram0
	latency miss "$2"
	latency write "$2"
	;;
delay)
	modprobe dm_delay
	slow_table 0 | dmsetup create slow
	files /dev/dm-0
	slow_latency /bench/pooled pool "$2"
	slow_latency /bench/mapped mmap "$2"
	;;
fio)
	files /dev/ram0
	node=$(framepool attach /bench/pooled)
	for what in $3; do
		fio_job pool "$node" "$2" "$what"
		limited fio_job mmap /bench/mapped "$2" "$what"
	done
	framepool detach pooled
	;;
*)
	echo "live.sh: no part $1" >&2
	exit 1
	;;
esac
