#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The framepool command against the module, in a VM: what it prints, where, and its exit status.
# Prints TAP.

# shellcheck source=tap.sh
. ./tap.sh

# runs STATUS ARGUMENT...: the command ends with STATUS.
runs() {
	want=$1
	shift
	gives "$want" framepool "$@"
}

# fails STATUS ARGUMENT... -- TEXT: nothing on standard output, one line with TEXT on standard error.
fails() {
	want=$1
	shift
	set -- "$want" "$@"
	text=''
	for last; do text=$last; done
	# All but the last two words.
	count=$(($# - 2)) words=''
	for word; do
		[ "$count" -gt 0 ] || break
		words="$words '$word'"
		count=$((count - 1))
	done
	eval "runs $words"
	says err "$text"
	[ ! -s /tmp/out ]
	ok $? "and nothing on standard output"
	[ "$want" = 2 ] || [ "$(wc -l < /tmp/err)" = 1 ]
	ok $? "in one line"
}

dd if=/dev/urandom of=/mnt/a.dat bs=1024 count=1024 2>/dev/null
: > /mnt/empty
mkfifo /tmp/fifo
mkdir -p /mnt/dir

runs 0 --help
runs 0 --version
for command in attach detach list stat top map walk buddy warm evict sync pin run pool up down doctor; do
	runs 0 $command --help
	says out "usage: framepool $command"
done
fails 2 nonsense -- "there is no command 'nonsense'"
fails 2 attach -- "one FILE"
fails 2 attach /mnt/a.dat --block 3 -- "1, 4, 16, 64 or 256"
fails 2 attach /mnt/a.dat --name control -- "can be no name"
fails 2 attach /mnt/a.dat --mode 999 -- "octal"
fails 2 attach /mnt/a.dat --group no-such-group -- "no group"
fails 1 attach /mnt/none -- "there is no such file"
fails 1 attach /mnt/empty -- "it is empty"
fails 1 attach /mnt/dir -- "it is a directory"
fails 1 attach /tmp/fifo -- "neither a regular file nor a block device"
fails 1 attach /mnt/a.dat --pool none -- "no such pool"
fails 1 detach none -- "nothing is attached"
fails 1 evict none -- "nothing is attached"
fails 1 stat none -- "nothing is attached"
fails 1 stat --pool none -- "no such pool"
fails 1 map --pool none -- "no such pool"

runs 0 attach /mnt/a.dat --mode 600 --direct
runs 0 stat a.dat
says out "direct path"
says out "blocks: auto"
! rm /mnt/a.dat 2> /dev/null
ok $? "the file cannot be removed meanwhile"
runs 0 detach a.dat
runs 0 attach /mnt/a.dat --mode 640 --block 16
says out /dev/framepool/a.dat
[ "$(stat -c %a /dev/framepool/a.dat)" = 640 ]
ok $? "the node has the mode"
cmp -s /mnt/a.dat /dev/framepool/a.dat
ok $? "and the bytes of the file"
fails 1 attach /mnt/a.dat -- "the name is in use"
fails 1 attach /dev/framepool/a.dat --name again -- "a node of framepool itself"
runs 0 list
says out a.dat
runs 0 list --json
says out '"name": "a.dat"'
runs 0 stat a.dat
says out "pages read"
runs 0 stat /dev/framepool/a.dat --json
says out '"resident": 256'
runs 0 stat --pool default --json
says out '"spaces": 1'
framepool stat a.dat --json --watch 1 > /tmp/out 2> /tmp/err &
until [ "$(grep -c '"resident": 256' /tmp/out)" = 2 ]; do sleep 0.1; done
kill $!
wait $!
[ $? = 143 ]
ok $? "stat --watch goes on until it is killed"
fails 2 stat --watch 0 -- "no number of seconds"
runs 0 evict a.dat --offset 512K
says out "evicted 128 pages"
runs 0 warm a.dat
says out "read 128 pages of a.dat, 128 were there already"
runs 0 sync a.dat --json
says out '"failed": 0'
fails 2 evict a.dat --offset 1M -- "outside"
fails 2 evict a.dat --offset 1 -- "4096"
runs 0 map --ascii
says out "#"
runs 0 map --unicode --rows 2 --width 40
says out "█"

runs 0 map --svg
says out "</svg>"
NO_COLOR=1 TERM=xterm helper pty MiB q framepool map --ascii > /tmp/out
! grep -q "$(printf '\033')" /tmp/out
ok $? "no colours with NO_COLOR"
TERM=xterm helper pty MiB q framepool map --ascii > /tmp/out
grep -q "$(printf '\033')\[32m" /tmp/out
ok $? "colours on a terminal"

# The page walk: of a space, of a process with a named node, of one without.
runs 0 evict a.dat
runs 0 walk a.dat 0x40010
says out "it has no node yet"
says out "be a major fault: read pages 64 to 79"
runs 0 warm a.dat --offset 256K --length 64K
runs 0 walk a.dat 0x40010
says out "entry 64: P"
says out "be a minor fault"
says out "backing    byte 262160 of the file"
runs 0 walk a.dat 0x40010 --json
says out '"entry": "frame"'
says out '"index": 64'
runs 0 walk a.dat 1M
says out "SIGBUS"
fails 2 walk a.dat -- "PID ADDRESS, or NAME OFFSET"
fails 2 walk a.dat here -- "no address"
fails 1 walk none 0 -- "nothing is attached"
fails 1 walk 999999999 0 -- "no such process"
fails 1 walk 1 0 -- "nothing is mapped there"

asked=/sys/kernel/debug/framepool/default/walk
for question in '' x '1' '1 x' '1 4503599627370496' '1 123456789012345678901234567890123456789012345678901234567890'; do
	! echo "$question" > $asked
	ok $? "debugfs refuses to walk to '$question'"
done
exec 4<>$asked
echo '999 0' >&4
! cat <&4 > /tmp/out 2> /tmp/err
ok $? "no walk in a space that is not there"
exec 4>&-

# walks PATH: a process maps it, and its address is walked from.
walks() {
	mkfifo /tmp/in
	helper map "$1" 0x40010 < /tmp/in > /tmp/where &
	exec 4> /tmp/in
	until [ -s /tmp/where ]; do sleep 0.1; done
	read -r pid address < /tmp/where
	runs 0 walk "$pid" "$address"
	says out "address    $address of process $pid"
	says out "byte 0x40010 (262160) of 1048576"
	says out "the same frame (pfn"
	says out "not even fault"
	text_address=$(grep /bin/ "/proc/$pid/maps" | head -n 1 | cut -d - -f 1)
	[ -n "$text_address" ] || text_address=$(head -n 1 "/proc/$pid/maps" | cut -d - -f 1)
	fails 1 walk "$pid" "0x$text_address" -- "none of a space"
	exec 4>&-
	wait
	rm /tmp/in /tmp/where
}
walks /dev/framepool/a.dat
dd if=/dev/urandom of=/mnt/b.dat bs=1024 count=1024 2>/dev/null
walks /mnt/b.dat

# The allocator agrees with the module about what is free.
runs 0 buddy --ascii --width 100
says out "#"
free=$(sed -n 's/^\([0-9,]*\) of .* frames are free.*/\1/p' /tmp/out | tr -d ,)
runs 0 stat --pool default --json
says out "\"free\": $free,"
runs 0 buddy --json
says out '"free_blocks"'
fails 1 buddy --pool none -- "no such pool"
fails 2 buddy a.dat -- "takes no argument"
fails 2 buddy --width x -- "no number of characters"
fails 2 buddy --color red -- "auto, always or never"

# Pins last as long as the command that they are for.
runs 0 pin a.dat --length 64K -- framepool evict a.dat
says out "16 pinned"
says err "pinned 16 pages"
runs 0 evict a.dat
says out "evicted 16 pages of a.dat"
runs 7 pin a.dat -l 4K -- sh -c 'exit 7'
runs 127 pin a.dat -l 4K -- no-such-command
says err "Check the name and PATH"
fails 1 pin none -- "nothing is attached"
fails 1 pin a.dat -l 64M -- "outside of the space"
fails 2 pin a.dat ls -- "'--' before a COMMAND"
fails 2 pin a.dat -o 1 -- "4096"
framepool pin a.dat -l 64K > /tmp/out 2> /tmp/err &
until [ -s /tmp/out ]; do sleep 0.1; done
says out "pinned 16 pages of a.dat"
kill $!
wait $!
ok $? "SIGTERM ends it"
runs 0 stat a.dat --json
says out '"pinned": 0'

runs 0 doctor
says out "is one that is tested"
says out "contiguous at"
# A working set that is larger than its pool is slow.
runs 0 pool create tight --size 2M
dd if=/dev/zero of=/mnt/wide bs=1024 count=4096 2>/dev/null
runs 0 attach /mnt/wide --pool tight
for _ in 1 2 3; do cat /dev/framepool/wide > /dev/null; done
runs 0 doctor
says out "the working set is larger than the pool"
runs 0 detach wide
runs 0 pool destroy tight
for command in list 'stat' 'pool list' 'attach /etc/passwd' 'top --batch' 'walk a.dat 0'; do
	su -s /bin/sh nobody -c "framepool $command" > /tmp/out 2> /tmp/err
	[ $? = 4 ]
	ok $? "a stranger's $command ends with 4"
	says err "only root and the group framepool may"
done
su -s /bin/sh nobody -c "framepool pin a.dat" > /tmp/out 2> /tmp/err
[ $? = 4 ]
ok $? "a stranger's pin, too"
says err "the space belongs to another user"
su -s /bin/sh nobody -c "framepool doctor" > /tmp/out 2> /tmp/err
[ $? = 4 ]
ok $? "and doctor says why"
says out "you may not open"
runs 0 doctor --json
says out '"level": "ok"'
fails 2 doctor a.dat -- "takes no argument"

runs 0 top --batch --count 2
says out "MAJOR/s"
says out "a.dat"
fails 1 top -- "needs a terminal"
fails 2 top --interval 0 -- "no number of seconds"
fails 2 top --sort z -- "none of r, d, f, e, w, n"
fails 2 top --count x -- "no number of looks"
fails 2 top a.dat -- "takes no argument"
export TERMINFO=/files/terminfo
TERM=linux helper pty a.dat dq framepool top > /tmp/out 2> /tmp/err
ok $? "top on a terminal ends with q"
says out "by resident"
says out "dirty"
TERM=none helper pty drawn q framepool top > /tmp/out 2> /tmp/err
[ $? = 1 ]
ok $? "a terminal that is not known"
says out "Set TERM, or use --batch"
runs 1 map --from /none
says err "there is no such file"

# shellcheck disable=SC2217  # only to have it open
sleep 100 < /dev/framepool/a.dat &
fails 1 detach a.dat -- "has it open or mapped"
kill $!
wait $! 2>/dev/null
runs 0 detach a.dat
[ ! -e /dev/framepool/a.dat ]
ok $? "the node is gone"

runs 0 pool create other --size 4M
fails 1 pool create other --size 4M -- "the name is in use"
fails 1 pool create huge --size 1T -- "larger than the memory"
fails 2 pool create odd --size 3M -- "no size of a region"
fails 2 pool create unsized -- "needs a --size"
runs 0 policy other clock
[ ! -s /tmp/out ]
ok $? "and says nothing"
runs 0 policy
says out "other            clock      tenure lru2 fifo"
says out "default          tenure     clock lru2 fifo"
runs 0 policy other
says out "other            clock"
runs 0 policy other lru2 --json
says out '"policy": "lru2"'
says out '"fifo"'
runs 0 pool list
says out "lru2"
runs 0 stat
says out "policy lru2"
fails 1 policy other nonsense -- "there is no such policy (Invalid argument). There are tenure, clock, lru2, fifo."
fails 1 policy other aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -- "there is no such policy"
fails 1 policy nosuch clock -- "there is no such pool"
fails 1 policy nosuch -- "there is no such pool"
fails 2 policy a/b -- "can be no name"
fails 2 policy other clock fifo -- "at most"
runs 0 policy other
says out "other            lru2"
fails 1 whatif other -- "it does not watch what it misses (No data available). Turn it on with"
fails 1 whatif other --clear -- "it does not watch what it misses"
runs 0 whatif other --on
[ ! -s /tmp/out ]
ok $? "and says nothing"
runs 0 whatif other
says out "other: policy lru2"
says out "nothing to compare with"
runs 0 attach /mnt/a.dat --pool other --read-only
cat /dev/framepool/a.dat > /dev/null
runs 0 whatif other
says out "1.000 of your misses"
says out "fifo         as it is"
says out "  lru2 "
says out "  LRU "
runs 0 whatif other --json
says out '"policy": "lru2"'
says out '"permille": 1000'
runs 0 whatif other --clear
runs 0 whatif other --off
fails 1 whatif other --json -- "it does not watch what it misses"
fails 1 whatif nosuch -- "there is no such pool"
fails 1 whatif nosuch --on -- "there is no such pool"
fails 2 whatif a/b -- "can be no name"
fails 2 whatif other more -- "at most"
fails 2 whatif other --on --off -- "one of --on, --off and --clear"
fails 2 whatif other --on --json -- "for showing"
runs 0 detach a.dat
runs 0 wset
says out "     PID        MIN        MAX"
says out "       -        0 B          -"
runs 0 wset other --json
says out '"id": 0'
says out '"near_refaults": 0'
runs 0 wset --help
says out "usage: framepool wset"
fails 1 wset nosuch -- "there is no such pool"
fails 2 wset a/b -- "can be no name"
fails 2 wset default other -- "one POOL at most"
fails 2 wset --pid 1 -- "with --pid and --min"
fails 2 wset --max 1M -- "with --pid and --min"
fails 2 wset --pid x --max 1M -- "'x' is no process"
fails 2 wset --pid 1 --max 1000 -- "is no size"
fails 2 wset --pid 1 --min none -- "is no size"
fails 2 wset --pid 1 --max 1M --json -- "for the list"
fails 1 wset --pid 1 --max 1M -- "maps nothing of the pool"
fails 1 wset nosuch --pid $$ --max 1M -- "there is no such pool"
runs 0 attach /mnt/a.dat --pool other --read-only
fails 1 pool destroy other -- "files are attached to it"
runs 0 pool list
says out other
runs 0 detach a.dat
runs 0 pool destroy other
runs 0 pool list --json
fails 1 pool destroy other -- "no such pool"

# What stat says of errors: a device that fails at one page, then everywhere, then not at all.
# says_not TEXT: it is in no line of what the last command printed.
says_not() {
	! grep -qF -- "$1" /tmp/out
	ok $? "it does not say '$1'"
}

# device TABLE: the device has this table from now on.
device() {
	echo "$1" > /tmp/table
	dmsetup suspend weak && dmsetup load weak /tmp/table && dmsetup resume weak
}

modprobe -q dm_mod
modprobe -q dm_flakey
echo "0 2048 linear /dev/ram0 0" > /tmp/table
dmsetup create weak --noudevsync /tmp/table && dmsetup mknodes weak
ok $? "there is a device to fail"
runs 0 attach /dev/mapper/weak --name weak
runs 0 stat weak
says_not "last failed read"
says_not "last failed write"
says_not "are not in the file"
device "0 64 linear /dev/ram0 0
64 8 error
72 1976 linear /dev/ram0 72"
! cat /dev/framepool/weak > /tmp/out 2> /tmp/err
ok $? "a page cannot be read"
runs 0 stat weak
says out "last failed read at byte 32768: Input/output error"
says_not "last failed write"
device "0 2048 flakey /dev/ram0 0 0 3600 1 error_writes"
head -c 12288 /dev/zero | tr '\0' x | dd of=/dev/framepool/weak bs=4096 seek=3 conv=notrunc 2> /dev/null
runs 1 sync weak
says err "the backing device reported an error"
runs 0 stat weak
grep -qE 'last failed write at byte (12288|16384|20480): Input/output error' /tmp/out
ok $? "it says which write failed"
says out "3 pages are not in the file because of this, and are tried again"
device "0 2048 linear /dev/ram0 0"
runs 0 sync weak
runs 0 stat weak
says_not "are not in the file"
cmp -s -n 1048576 /dev/framepool/weak /dev/ram0
ok $? "and they are there"
runs 0 detach weak
dmsetup remove weak --noudevsync
ok $? "the device goes"

# The file of the service.
cat > /tmp/conf <<- 'END'
	# what is there after boot
	pool create second --size 4M
	attach /mnt/a.dat --pool second --name one --block 16
	attach "/mnt/b.dat" -r
END
runs 0 up /tmp/conf
says out /dev/framepool/one
says out /dev/framepool/b.dat
runs 1 up /tmp/conf
says err "/tmp/conf:2: not done"
says err "the name is in use"
runs 0 list
says out second
runs 0 detach b.dat
runs 0 down /tmp/conf
runs 0 list --json
says out "[]"
fails 1 stat --pool second -- "no such pool"
runs 0 down /tmp/conf
printf 'attach /mnt/a.dat\ndetach x\nattach /mnt/none\n' > /tmp/conf
runs 1 up /tmp/conf
says err "/tmp/conf:2: a line is"
says err "no such file"
runs 1 down /tmp/conf
[ ! -e /dev/framepool/a.dat ]
ok $? "what can be undone is"
fails 1 up /nonexistent -- "there is no such file"
echo 'attach "x' > /tmp/conf
fails 1 up /tmp/conf -- "(line 1): a quote does not end"
fails 2 up a b -- "one FILE at most"

rmmod framepool
fails 3 list -- "the module is not loaded"
fails 3 attach /mnt/a.dat -- "the module is not loaded"
fails 3 evict a.dat -- "the module is not loaded"
fails 3 map -- "the module is not loaded"
fails 3 walk a.dat 0 -- "the module is not loaded"
fails 3 buddy -- "the module is not loaded"
fails 3 pin a.dat -- "the module is not loaded"
fails 3 top --batch -- "the module is not loaded"
echo > /tmp/conf
fails 3 up /tmp/conf -- "the module is not loaded"
runs 3 doctor
says out "it is not loaded. Load it"
finish
