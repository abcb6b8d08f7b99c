#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# insmod and rmmod in the guest: parameters that are wrong, parameters that are right, no trace, no leak.
#
#   FPOOL_KO	the module, /lib/framepool/framepool.ko unless told
#   COUNT	how often it is loaded and unloaded: 200 unless told, 30 on a slow kernel
# For base= the kernel has to be booted with memmap=SIZE$ADDRESS.

ko=${FPOOL_KO:-/lib/framepool/framepool.ko}
count=${COUNT:-200}
[ -n "${COUNT-}" ] || [ "${FPOOL_SCALE:-1}" -le 4 ] || count=30
number=0
failed=0

# report NAME: the result of the test that noted its failures in $problems.
report() {
	number=$((number + 1))
	if [ -z "$problems" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		printf '%s' "$problems" | sed 's/^/# /'
		failed=$((failed + 1))
	fi
	problems=
}

# skip NAME WHY
skip() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

problem() {
	problems="$problems$*
"
}

log_mark=0
mark_log() {
	log_mark=$((log_mark + 1))
	echo "load.sh: mark $log_mark" > /dev/kmsg
}

# What the module said since the mark, without what the kernel says of every such module. An insmod that tries
# a second system call when the first has failed makes it say the same twice.
log_since() {
	dmesg | sed "1,/load.sh: mark $log_mark\$/d" | grep 'framepool: ' |
		grep -v -e 'out-of-tree module' -e 'module verification failed' -e 'tainting kernel' |
		sed 's/^\[[^]]*\] //' | sort -u
}

no_trace() {
	for left in /dev/framepool /sys/module/framepool /sys/kernel/debug/framepool /sys/class/framepool; do
		[ ! -e "$left" ] || problem "$left is there"
	done
	for list in /proc/slabinfo /proc/devices /proc/iomem /proc/modules /proc/misc; do
		! grep -q framepool "$list" || problem "$list has $(grep framepool "$list" | head -n 1)"
	done
}

loaded() {
	[ -c /dev/framepool/control ] || problem "no /dev/framepool/control"
	[ -d /sys/kernel/debug/framepool ] || problem "no /sys/kernel/debug/framepool"
}

# refused NAME WHY PARAMETER...: insmod fails with that error, with one line in the log, and leaves nothing.
refused() {
	name=$1 why=$2
	shift 2
	mark_log
	if said=$(insmod "$ko" "$@" 2>&1); then
		problem "insmod $* worked"
		rmmod framepool
	fi
	case $said in
	*"$why") ;;
	*) problem "insmod said '$said', and not '$why'" ;;
	esac
	log=$(log_since)
	lines=$(printf '%s\n' "$log" | grep -c .)
	[ "$lines" = 1 ] || problem "the log has $lines lines about it: $log"
	no_trace
	report "insmod $* is refused: $name"
}

# works NAME PARAMETER...
works() {
	name=$1
	shift
	if insmod "$ko" "$@"; then
		loaded
		rmmod framepool || problem "rmmod refused"
	else
		problem "insmod $* refused"
	fi
	no_trace
	report "insmod $*: $name"
}

# Memory that is free, in KiB, when nothing can be freed any more.
mem_free() {
	sync
	echo 3 > /proc/sys/vm/drop_caches
	echo 1 > /proc/sys/vm/compact_memory 2>/dev/null
	sed -n 's/^MemFree: *\([0-9]*\).*/\1/p' /proc/meminfo
}

# What went through hidden memory is not there any more: nobody else empties it.
no_bytes() {
	name="what the hidden memory had is gone"
	if [ ! -c /dev/mem ]; then
		skip "$name" "this kernel has no /dev/mem"
		return
	fi
	at=$((base >> 20))
	said=$(dd if=/dev/mem bs=1M skip=$at count="${size%M}" 2> /dev/null | cmp -n $((${size%M} << 20)) - /dev/zero 2>&1) ||
		problem "the memory at $base is not empty: $said"
	report "$name"
}

# The tests of broken memory, in pools there.
breaks() {
	name="hidden memory that breaks"
	if [ ! -e /sys/devices/system/memory/hard_offline_page ]; then
		skip "$name" "this kernel knows no broken memory"
		return
	fi
	insmod "$ko" size=2M || problem "insmod refused"
	FPOOL_BASE=$base "${0%/*}/broken" > /tmp/broken.out 2>&1 || problem "$(cat /tmp/broken.out)"
	rmmod framepool || problem "rmmod refused"
	report "$name"
}

# Nobody puts it into the image.
hibernates() {
	name="no hibernation with hidden memory"
	if ! grep -qw disk /sys/power/state; then
		skip "$name" "this kernel knows no hibernation"
		return
	fi
	insmod "$ko" "size=$size" "base=$base" || problem "insmod refused"
	{ echo disk > /sys/power/state; } 2> /tmp/hibernate.out && problem "it went to sleep"
	dmesg | grep -q "framepool: no hibernation" || problem "nothing in the log"
	rmmod framepool || problem "rmmod refused"
	report "$name"
}

memmap=$(sed -n 's/.*memmap=\([0-9]*[KMG]\)\$\(0x[0-9a-fA-F]*\).*/\1 \2/p' /proc/cmdline)
tests=30
echo "1..$tests"
echo "# $(uname -r), $ko, $count cycles, hidden memory: ${memmap:-none}"

invalid='Invalid argument'
range='Numerical result out of range'
busy='Device or resource busy'
refused "size 0" "$invalid" size=0
refused "not a number" "$invalid" size=abc
refused "not a number in the end" "$invalid" size=64Mx
refused "negative" "$invalid" size=-64M
refused "no size at all" "$invalid" size=
refused "too small" "$invalid" size=1M
refused "no multiple of 2 MiB" "$invalid" size=3M
refused "larger than RAM" "$range" size=1T
refused "larger than 64 bits" "$range" size=99999999999999999999999
refused "wraps at 64 bits" "$range" size=17592186044480M
refused "hexadecimal, and wraps" "$range" size=0x1000000000000000M
refused "base 0" "$invalid" size=4M base=0
refused "base wraps" "$range" size=4M base=18446744074277879808
refused "base unaligned" "$invalid" size=4M base=0x10000001
refused "base not on 2 MiB" "$invalid" size=4M base=0x10100000
refused "base not reserved" "$busy" size=4M base=0x10000000
refused "base not a number" "$invalid" size=4M base=here
refused "no such node" "$invalid" size=4M node=77
refused "no such policy" "$invalid" size=4M policy=nonsense

works "the smallest region" size=2M
works "the default"
works "in KiB" size=16384K
works "on a node" size=16M node=0

if [ -n "$memmap" ]; then
	size=${memmap% *}
	base=${memmap#* }
	works "all of the hidden memory" "size=$size" "base=$base"
	insmod "$ko" "size=$size" "base=$base" || problem "insmod refused"
	FPOOL_INSMOD="size=$size base=$base" "${0%/*}/unload" "a space open" > /tmp/unload.out 2>&1 ||
		problem "$(cat /tmp/unload.out)"
	rmmod framepool || problem "rmmod refused"
	no_trace
	report "hidden memory pages a file and unloads"
	no_bytes
	breaks
	hibernates
	refused "half of it is not hidden" "$busy" "size=$((${size%?} * 2))${size#"${size%?}"}" "base=$base"
else
	for what in "base=" "base= pages" "base= empty" "base= broken" "base= hibernation" "base= half hidden"; do
		skip "$what" "no memmap= on the command line"
	done
fi

# The first loads allocate what stays (caches of the kernel's own): measure after them.
cycle() {
	if ! insmod "$ko" size=16M; then
		problem "insmod refused in cycle $1"
		return 1
	fi
	[ -c /dev/framepool/control ] || problem "cycle $1: no control node"
	if ! rmmod framepool; then
		problem "rmmod refused in cycle $1"
		return 1
	fi
}

i=0
while [ $i -lt 5 ] && cycle warm; do
	i=$((i + 1))
done

# A leak takes as much of every round; KASAN's quarantine and the caches of the machine fill up once.
# One frame a cycle would be 800 KiB in 200; the machine itself moves by a few MiB.
round=0
gone=6144
while [ $gone -ge 6144 ] && [ $round -lt 5 ] && [ -z "$problems" ]; do
	before=$(mem_free)
	i=0
	while [ $i -lt "$count" ] && cycle $i; do
		i=$((i + 1))
	done
	gone=$((before - $(mem_free)))
	round=$((round + 1))
	echo "# tried: $i loads"
	echo "# MemFree: $before KiB before, $gone KiB less after $i cycles"
done
[ $gone -lt 6144 ] || problem "$gone KiB are gone, in each of $round rounds"
no_trace
report "$count loads and unloads"

[ $number = $tests ] || { echo "Bail out! $number tests of $tests"; exit 1; }
[ $failed = 0 ]
