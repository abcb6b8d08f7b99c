#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The demo, inside the VM: three programs on files four times and twice as large as the memory that
# they get.
#
# On /mnt: demo.tar, records.dat, and `expected`, which sets tar_sha256 and records_sum as the host
# found them. The module is loaded. The first check that fails ends the demo.

set -u

die() {
	echo
	echo "DEMO FAILED: $*"
	dmesg | tail -n 15
	exit 1
}

now() { cut -d ' ' -f 1 /proc/uptime; }

# field KEY FILE: a number out of the JSON that framepool printed.
field() { sed -n "s/^ *\"$1\": \([0-9]*\),*\$/\1/p" "$2"; }

# attach FILE: sets node. Programs that go through a file from end to end do well with large blocks.
attach() {
	node=$(framepool attach "$1" --block 64) || die "$1 cannot be attached"
	echo "\$ framepool attach $1 --block 64"
	echo "$node"
}

# detach FILE: writes it back; what is read afterwards comes from the disk and past the pool.
detach() {
	echo "\$ framepool detach ${1##*/}"
	framepool detach "${1##*/}" || die "$1 cannot be detached"
	echo 3 > /proc/sys/vm/drop_caches
}

# measure NAME FILE COMMAND...: run it, keep its time, its output and what happened in the space.
measure() {
	name=$1 space=${2##*/}
	shift 2
	echo "\$ $*"
	begin=$(now)
	"$@" > "/tmp/$name.out" || die "$1 failed"
	end=$(now)
	framepool stat "$space" --json > "/tmp/$name.json" || die "no counters of $space"
	awk -v a="$begin" -v b="$end" 'BEGIN { printf "%.1f\n", b - a }' > "/tmp/$name.time"
}

heading() {
	echo
	echo "== $*"
}

check_sum() {
	heading "1. SHA-256 of a file of 256 MiB, through a mapping"
	attach /mnt/demo.tar
	measure sum /mnt/demo.tar demo-sum "$node"
	got=$(cut -d ' ' -f 1 /tmp/sum.out)
	echo "demo-sum:               $got"
	echo "sha256sum of the file:  $tar_sha256"
	[ "$got" = "$tar_sha256" ] || die "the checksums differ"
}

check_sort() {
	heading "2. Sort 128 MiB in place, 524,288 records of 256 bytes, through a mapping"
	attach /mnt/records.dat
	measure sort /mnt/records.dat demo-sort "$node"
	detach /mnt/records.dat
	got=$(demo-sort --check /mnt/records.dat) || die "records.dat cannot be read"
	echo "\$ demo-sort --check /mnt/records.dat   (by read(), not through the pool)"
	echo "$got"
	[ "$got" = "sorted records=524288 sum=$records_sum" ] ||
		die "expected: sorted records=524288 sum=$records_sum"
}

check_share() {
	heading "3. Two processes on that file, filling and checking each other's pages"
	attach /mnt/records.dat
	measure share /mnt/records.dat demo-share "$node"
	# The picture is of now: two files, one region.
	# shellcheck disable=SC2086
	framepool map $DEMO_MAP > /tmp/map || die "no picture"
	detach /mnt/records.dat
	echo "\$ demo-share --check /mnt/records.dat   (by read(), not through the pool)"
	demo-share --check /mnt/records.dat || die "what the processes stored is not in the file"
}

# row LABEL KEY: of the table, a number for each of the three programs.
row() {
	printf '  %-22s' "$1"
	for name in sum sort share; do
		printf ' %12s' "$(field "$2" /tmp/$name.json)"
	done
	echo
}

report() {
	framepool stat --pool default --json > /tmp/pool.json || die "no counters of the pool"
	max=$(field resident_max /tmp/pool.json)
	bound=$(field bound /tmp/pool.json)

	heading "What happened"
	printf '  %-22s %12s %12s %12s\n' "" demo-sum demo-sort demo-share
	printf '  %-22s %10s s %10s s %10s s\n' "time" "$(cat /tmp/sum.time)" \
		"$(cat /tmp/sort.time)" "$(cat /tmp/share.time)"
	row "file, bytes" bytes
	row "minor faults" minor_faults
	row "major faults" major_faults
	row "pages read" fills
	row "pages evicted" evictions
	row "pages written back" written
	echo
	printf '  resident at most %s pages of a bound of %s (%s MiB of a region of %s MiB)\n' \
		"$max" "$bound" $((max / 256)) $(($(field bytes /tmp/pool.json) / 1048576))

	heading "The region, while the third program's pages were in it"
	cat /tmp/map

	[ "$max" -le "$bound" ] || die "more pages were resident than the bound allows"
	[ "$max" -gt 0 ] || die "nothing was ever resident"
	[ "$(field evictions /tmp/sum.json)" -gt 0 ] || die "nothing was evicted"
	[ "$(field written /tmp/sort.json)" -ge 32768 ] || die "too few pages were written back"
	for key in starved fill_errors write_errors; do
		[ "$(field $key /tmp/pool.json)" = 0 ] || die "$key is not 0"
	done
}

# An emulated CPU is slow at vector instructions: let libcrypto take its plain code.
export OPENSSL_ia32cap=0:0
: "${DEMO_SIZE:=64M}" "${DEMO_MAP:=}"
tar_sha256='' records_sum=''
# shellcheck disable=SC1091
. /mnt/expected
echo 3 > /proc/sys/vm/drop_caches
echo "Linux $(uname -r), files of 256 and 128 MiB on ext4, a region of ${DEMO_SIZE}iB"
check_sum
check_sort
check_share
report

heading "And back"
detach /mnt/demo.tar
echo "\$ rmmod framepool"
rmmod framepool || die "the module does not unload"
[ ! -e /dev/framepool/control ] || die "/dev/framepool is still there"
echo
echo "DEMO PASSED: the checksum is equal, the records are sorted and complete, both processes agree,"
echo "             and memory stayed within its bound"
