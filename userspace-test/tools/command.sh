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
for command in attach detach list stat top map walk buddy warm evict sync pin run pool policy whatif wset trace up down doctor; do
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
runs 0 map --json
says out '"frames": 8192,'
says out '"state": "kernel"'
fails 2 map --svg --json -- "one of --svg and --json"
NO_COLOR=1 TERM=xterm helper pty MiB q -- framepool map --ascii > /tmp/out
! grep -q "$(printf '\033')" /tmp/out
ok $? "no colours with NO_COLOR"
TERM=xterm helper pty MiB q -- framepool map --ascii > /tmp/out
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
runs 0 pin a.dat --length 64K --json -- true
says err '"pinned": 16'
runs 0 attach /mnt/a.dat --name also.dat --json
says out '"node": "/dev/framepool/also.dat"'
says out '"pool": "default"'
runs 0 detach also.dat
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
# theirs TEXT OPTION...: nobody, who may use the control node, cannot attach it so.
theirs() {
	text=$1
	shift
	su -s /bin/sh nobody -c "framepool attach /mnt/theirs $*" > /tmp/out 2> /tmp/err
	[ $? = 4 ]
	ok $? "nobody's attach $* ends with 4"
	says err "$text"
}
cp /mnt/a.dat /mnt/theirs
chown nobody /mnt/theirs
chmod 666 /dev/framepool/control
theirs "you may not give the node to this group" --group root
chown root /mnt/theirs
chmod 644 /mnt/theirs
theirs "you may not read and write it"
theirs "direct is for who may write it" --read-only --direct
chmod 600 /dev/framepool/control
runs 0 attach /mnt/theirs --read-only --direct
runs 0 stat theirs
says out "direct path"
runs 0 detach theirs
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
runs 0 top --json --count 1
says out '"working_sets": ['
says out '"near_refaults": 0.0'
says out '"name": "a.dat",'
fails 1 top -- "needs a terminal"
fails 2 top --interval 0 -- "no number of seconds"
fails 2 top --sort z -- "none of r, d, f, e, w, n"
fails 2 top --count x -- "no number of looks"
fails 2 top a.dat -- "takes no argument"
export TERMINFO=/files/terminfo
TERM=linux helper pty a.dat dq -- framepool top > /tmp/out 2> /tmp/err
ok $? "top on a terminal ends with q"
says out "by resident"
says out "dirty"

# A working set's maximum, changed where it is seen. By name, what nobody asked for is first.
mkfifo /tmp/in
helper map /dev/framepool/a.dat 0 < /tmp/in > /tmp/where &
exec 4> /tmp/in
until [ -s /tmp/where ]; do sleep 0.1; done
read -r pid _ < /tmp/where
runs 0 top --batch --count 1
says out "    PID COMMAND   POOL     HAS  |TARGET"
says out "helper    default"
# limits KEYS TEXT MAX: KEYS are typed as a maximum, TEXT is what becomes of it, MAX frames the maximum then.
limits() {
	TERM=linux helper pty helper "n${down}m" 'ne): ' "$1" "$2" ' q' -- framepool top > /tmp/out 2> /tmp/err
	ok $? "'$1' is typed as a maximum"
	framepool wset --json | sed -n "/\"pid\": $pid,/,/}/p" | tr -d '\n ' > /tmp/out
	says out "$3"
}
up=$(printf '\033[A') down=$(printf '\033[B')
limits "1M$(printf '\r')" "maximum 1M" '"max":256,'
limits "1000$(printf '\r')" "no size" '"max":256,'
limits "4K$(printf '\r')" "is under 32K" '"max":256,'
limits "64K$(printf '\033')" "unchanged" '"max":256,'
limits "none$(printf '\r')" "maximum none" '"min":0,"target"'
TERM=linux helper pty helper "n${up}m" "no process" q -- framepool top > /tmp/out 2> /tmp/err
ok $? "what nobody asked for has no maximum"
odd=$(printf '/tmp/odd\033c')
ln -s "$(command -v helper)" "$odd"
"$odd" map /dev/framepool/a.dat 0 < /tmp/in > /tmp/where2 4>&- &
until [ -s /tmp/where2 ]; do sleep 0.1; done
runs 0 top --batch --count 1
says out "odd?c     default"
exec 4>&-
wait
rm /tmp/in /tmp/where /tmp/where2 "$odd"
TERM=none helper pty drawn q -- framepool top > /tmp/out 2> /tmp/err
[ $? = 1 ]
ok $? "a terminal that is not known"
says out "Set TERM, or use --batch"
runs 1 map --from /none
says err "there is no such file"

# shellcheck disable=SC2217  # only to have it open
sleep 100 < /dev/framepool/a.dat &
fails 1 detach a.dat -- "or a program has it open or mapped"
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
fails 2 pool create odd --size 4M --base 18446744073707454464 --policy clock -- "does not end at this base"
fails 1 pool create odd --size 4M --base 2M -- "the kernel uses the memory at this base"
fails 1 pool create odd --size 4M --base 256T -- "there is no free memory at this base"
base=$(framepool pool list --json | sed -n '/"name": "other"/,/"base"/s/.*"base": \([0-9]*\),/\1/p')
fails 1 pool create odd --size 4M --base "$base" -- "pool other has the memory at this base"
fails 1 pool create odd --size 4M --node 7 -- "there is no such NUMA node (Invalid argument). The nodes are 0."
fails 1 pool create odd --size 4M --node 7 --policy nonsense -- "there is no such NUMA node"
for policy in nonsense '' Clock clockwork-that-is-too-long; do
	fails 1 pool create odd --size 4M --policy "$policy" -- "pool odd: there is no policy '$policy' (Invalid argument). There are tenure, clock, lru2, fifo."
done
fails 2 pool create odd --size 4M --working-sets maybe -- "on or off, not 'maybe'"
fails 2 pool list --working-sets off -- "does not take this option"
runs 0 pool create flat --size 2M --working-sets off
runs 0 pool list
says out "off   tenure"
says out "on    tenure"
runs 0 pool list --json
says out '"working_sets": false'
says out '"working_sets": true'
runs 0 stat --pool flat
says out "working sets off"
runs 0 pool destroy flat
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
for policy in nonsense '' aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; do
	fails 1 policy other "$policy" -- "the policy of other: there is no policy '$policy' (Invalid argument). There are tenure, clock, lru2, fifo."
done
fails 1 policy nosuch nonsense -- "there is no policy 'nonsense' (Invalid argument). There are tenure, clock, lru2, fifo."
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
says out "working sets would miss"
says out "      0  "
runs 0 whatif other --json
says out '"left_out_uses": 0'
says out '"policy": "lru2"'
says out '"permille": 1000'
runs 0 pin a.dat -l 4K -- framepool evict a.dat
says out "1 pinned"
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
fails 1 wset --pid 1 --max 1M -- "limit process 1: it maps nothing of pool default (No such process)."
fails 1 wset --pid 999999999 --max 1M -- "there is no such process"
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
fails 1 pin weak --length 64K -- touch /tmp/pinned -- "1 pages of weak failed (Input/output error)"
[ ! -e /tmp/pinned ]
ok $? "and the command for which it was to be pinned is not run"
fails 1 pin weak -- "1 pages of weak failed"
runs 1 warm weak
says out "read"
says err "1 pages of weak failed (Input/output error)"
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

# A device that takes its time: how far work has come, and signals in the middle of it.
echo "0 49152 linear /dev/ram0 0" > /tmp/table
dmsetup create slow --noudevsync /tmp/table && dmsetup mknodes slow
ok $? "there is a device to be waited for"
# stall BYTE: dirty pages, and a device that does nothing until it is resumed.
stall() {
	head -c 20971520 /dev/zero | tr '\0' "$1" | dd of=/dev/framepool/slow bs=1M conv=notrunc 2> /dev/null
	dmsetup suspend slow
	ok $? "the device stands still"
}
# signal NAME PID: once it waits for the kernel, or has ended; and it is heard although it does.
signal() {
	until grep -q 'State:.[DZ]' "/proc/$2/status"; do sleep 0.1; done
	kill "-$1" "$2"
	while grep -q 'ShdPnd:.*[1-9]' "/proc/$2/status" 2> /dev/null; do sleep 0.1; done
	sleep 0.5
}
# stored BYTE: it is everywhere.
stored() {
	[ "$(head -c 20971520 /dev/mapper/slow | tr -d "$1" | wc -c)" = 0 ]
	ok $? "the bytes are on the device"
}
runs 0 attach /dev/mapper/slow --name slow
stall a
framepool sync slow > /tmp/out 2> /tmp/err &
signal TERM $!
dmsetup resume slow
wait $!
[ $? = 1 ]
ok $? "sync ends after the part that it was in when SIGTERM came"
says err "cannot sync slow: it was interrupted"
says out "wrote 2,048 pages"
stall b
framepool sync slow > /tmp/out 2> /tmp/err &
signal TERM $!
signal TERM $!
wait $!
[ $? = 143 ]
ok $? "a second one ends it at once"
sh -c 'trap "" INT; exec framepool sync slow' > /tmp/out 2> /tmp/err &
signal INT $!
dmsetup resume slow
wait $!
ok $? "a signal that it was begun with ignored does nothing"
stored b
runs 0 evict slow
dmsetup suspend slow
framepool pin slow --length 8M > /tmp/out 2> /tmp/err &
signal TERM $!
wait $!
[ $? = 1 ]
ok $? "SIGTERM ends a pin that reads"
says err "cannot pin slow: it was interrupted"
(sleep 2; dmsetup resume slow) &
TERM=linux helper pty -- framepool pin slow --length 8M -- true > /tmp/out 2> /tmp/err
ok $? "pin on a terminal"
wait
grep -q 'pin \[.*%' /tmp/out
ok $? "says how far it is"
says out "pinned 2,048 pages"
stall c
(sleep 2; dmsetup resume slow) &
TERM=linux helper pty -- framepool detach slow > /tmp/out 2> /tmp/err
ok $? "detach on a terminal"
wait
grep -q 'detach \[#.*%' /tmp/out
ok $? "says how far it is"
[ ! -e /dev/framepool/slow ]
ok $? "and the node is gone"
stored c
runs 0 attach /dev/mapper/slow --name slow
stall d
TERM=linux helper pty 'detach [' "$(printf '\003')" -- framepool detach slow > /tmp/out 2> /tmp/err
[ $? = 1 ]
ok $? "^C ends a detach that waits"
says out "it was interrupted; what was begun goes on without you"
fails 1 detach slow -- "it is being detached, or a program has it open or mapped"
dmsetup resume slow
until [ ! -e /dev/framepool/slow ]; do sleep 0.1; done
stored d
dmsetup remove slow --noudevsync
ok $? "the device goes"

# Limits that cannot be: each error says which of its causes it was, in numbers.
mkfifo /tmp/in
exec 4<>/tmp/in
# begins COMMAND...: it goes on until its standard input ends or it is killed; it prints its PID, which is $pid.
begins() {
	rm -f /tmp/where
	"$@" < /tmp/in > /tmp/where 4>&- &
	until [ -s /tmp/where ] || ! kill -0 $! 2> /dev/null; do sleep 0.1; done
	read -r pid _ < /tmp/where
}
runs 0 pool create limited --size 4M
bound=$(framepool pool list --json | sed -n '/"name": "limited"/,/"bound"/s/.*"bound": \([0-9]*\),/\1/p')
room=$((4 * (bound - bound / 4)))
runs 0 attach /mnt/a.dat --pool limited --mode 666
begins helper map /dev/framepool/a.dat 0xff000
first=$pid
fails 1 wset limited --pid "$first" --max 4K -- "a maximum of 4.0 KiB is under 32K (Invalid argument). Give at least 32K."
fails 1 wset limited --pid "$first" --min 1M --max 512K -- "a minimum of 1.0 MiB is over a maximum of 512.0 KiB"
runs 0 wset limited --pid "$first" --max 1M
fails 1 wset limited --pid "$first" --min 2M -- "a minimum of 2.0 MiB is over its maximum of 1.0 MiB"
says err "Give a larger maximum, too."
runs 0 wset limited --pid "$first" --min 1M --max none
fails 1 wset limited --pid "$first" --max 512K -- "its minimum of 1.0 MiB is over a maximum of 512.0 KiB"
fails 1 wset limited --pid "$first" --min 4M -- "a minimum of 4.0 MiB cannot be guaranteed: the pool can promise 2.9 MiB"
says err "Give at most ${room}K."
begins helper map /dev/framepool/a.dat 0xff000
fails 1 wset limited --pid "$pid" --min 2M -- "a minimum of 2.0 MiB cannot be guaranteed: others are promised 1.0 MiB of 2.9 MiB"
says err "Give at most $((room - 1024))K."
fails 1 wset limited --pid "$pid" --min "$((room - 1020))K" -- "others are promised 1.0 MiB"
runs 0 wset limited --pid "$pid" --min "$((room - 1024))K"
runs 0 wset limited --pid "$pid" --min 0
# What is pinned is kept, too: all that is not of the two helpers is of nobody in particular.
runs 0 wset limited --pid "$first" --min 0
framepool pin a.dat > /tmp/out &
pinner=$!
until [ -s /tmp/out ]; do sleep 0.1; done
fails 1 wset limited --pid "$first" --min "$((room - 512))K" -- "cannot be guaranteed: others are promised 0 B of 2.9 MiB, and have pinned 1020.0 KiB more"
says err "Give at most $((room - 1020))K."
runs 0 wset limited --pid "$first" --min "$((room - 1020))K"
kill $pinner
wait $pinner
runs 0 wset limited --pid "$first" --min 0
runs 0 evict a.dat
chmod 666 /dev/framepool/control
begins su -s /bin/sh nobody -c 'helper map /dev/framepool/a.dat 0xff000'
for limit in '--min 1M' '--max 1M'; do
	su -s /bin/sh nobody -c "framepool wset limited --pid $first $limit" > /tmp/out 2> /tmp/err
	[ $? = 4 ]
	ok $? "a stranger's $limit ends with 4"
	says err "the process is another user's (Operation not permitted)"
done
su -s /bin/sh nobody -c "framepool wset limited --pid $pid --min 1M" > /tmp/out 2> /tmp/err
[ $? = 4 ]
ok $? "a minimum for himself, too"
says err "to raise its minimum of 0 B takes CAP_SYS_ADMIN"
su -s /bin/sh nobody -c "framepool wset limited --pid $pid --max 1M" > /tmp/out 2> /tmp/err
ok $? "but no maximum"
chmod 600 /dev/framepool/control
begins helper hold /dev/framepool/a.dat 16
framepool pin a.dat --length 64K > /tmp/out &
until [ -s /tmp/out ]; do sleep 0.1; done
pinner=$!
fails 1 wset limited --pid "$pid" --max 64K -- "a maximum of 64.0 KiB does not leave 32K beside the 64.0 KiB that are pinned"
says err "Unpin some, or give at least 96K."
runs 0 wset limited --pid "$pid" --max 96K
kill $pinner
wait $pinner
read -r waits < /sys/module/framepool/parameters/wait_ms
echo 300 > /sys/module/framepool/parameters/wait_ms
fails 1 wset limited --pid "$pid" --max 32K -- "the kernel holds pages above it (Device or resource busy)"
exec 4>&-
wait
exec 4<>/tmp/in
runs 0 detach a.dat
echo "0 2048 linear /dev/ram0 0" > /tmp/table
dmsetup create weak --noudevsync /tmp/table && dmsetup mknodes weak
ok $? "there is a device to fail"
runs 0 attach /dev/mapper/weak --name weak --pool limited
begins helper store /dev/framepool/weak 16
dmsetup suspend weak
fails 1 wset limited --pid "$pid" --max 32K -- "pages above it were not written in the module's wait_ms"
dmsetup resume weak
runs 0 wset limited --pid "$pid" --max 32K
runs 0 wset limited --pid "$pid" --max none
kill "$pid"
begins helper store /dev/framepool/weak 16
device "0 2048 flakey /dev/ram0 0 0 3600 1 error_writes"
fails 1 wset limited --pid "$pid" --max 32K -- " weak: Input/output error (Device or resource busy)"
says err "pages above it cannot be written to space"
runs 1 sync weak
device "0 2048 linear /dev/ram0 0"
runs 0 sync weak
runs 0 wset limited --pid "$pid" --max 32K
echo "$waits" > /sys/module/framepool/parameters/wait_ms
kill "$pid"
wait
runs 0 detach weak
dmsetup remove weak --noudevsync
ok $? "the device goes"
runs 0 pool destroy limited
runs 0 pool create flat --size 2M --working-sets off
runs 0 attach /mnt/b.dat --pool flat
begins helper map /dev/framepool/b.dat 0
fails 1 wset flat --pid "$pid" --min 1M -- "pool flat has no working sets of processes (Operation not supported)"
runs 0 wset flat
says out "This pool has no working sets of processes"
runs 0 wset flat --json
[ "$(grep -c '"id"' /tmp/out)" = 1 ]
ok $? "but the common one"
exec 4>&-
wait
rm /tmp/in
runs 0 detach b.dat
runs 0 pool destroy flat

# Traces: a program whose references are known.
runs 0 attach /mnt/a.dat
runs 0 trace record a.dat -o /mnt/loop.u32 --interval 20 -- helper loop /dev/framepool/a.dat 100 5
says err "to 100 pages"
runs 0 trace report /mnt/loop.u32 --json --sizes 50%,512K
says out '"pages": 100,'
says out '"pages_written": 20,'
says out '"tenure": 100,'
references=$(sed -n 's/^  "references": \([0-9]*\),/\1/p' /tmp/out)
[ "$references" -ge 200 ] && [ "$references" -le 600 ]
ok $? "$references references for five rounds over 100 pages"
# A look in the middle of the first round may find pages that it has used already. Where KCSAN makes it slow, it may miss
# one that is used just then behind its back, and find the next ones.
late=0
[ ! -e /sys/kernel/debug/kcsan ] || late=5
od -An -v -tu4 -w4 /mnt/loop.u32 | awk -v most=$late '{
	page = $1 % 2147483648
	if (page in seen)
		next
	seen[page]
	if (page > 99 || ($1 != page) != (page % 5 == 0))
		exit 1
	late += page < last
	last = page > last ? page : last
	n++
} END { exit n != 100 || late > most }'
ok $? "the first round is there page by page, with its stores"
runs 0 trace report /mnt/loop.u32
says out "100 pages (400.0 KiB), 20 of them written to"
says out "OPT      LRU   tenure"
runs 0 trace record /dev/framepool/a.dat -o /mnt/read.u32.zst --json -- cat /dev/framepool/a.dat
says err '"references": 256,'
cmp -s /tmp/out /dev/framepool/a.dat
ok $? "what a program prints is not mixed with it"
runs 0 trace report /mnt/read.u32.zst
says out "256 references, 0 of them writes"
ln -s read.u32.zst /mnt/link.u32.zst
runs 0 trace report /mnt/link.u32.zst
says out "256 references, 0 of them writes"
runs 7 trace record a.dat -o /mnt/x.u32 -- sh -c 'exit 7'
cp /mnt/loop.u32 /mnt/x.u32
runs 127 trace record a.dat -o /mnt/x.u32 -- no-such-command
cmp -s /mnt/loop.u32 /mnt/x.u32
ok $? "a program that cannot be run leaves the trace before it"
gives 7 helper childless framepool trace record a.dat -o /mnt/x.u32 -- sh -c 'exit 7'
gives 7 helper childless framepool trace record a.dat -o /mnt/x.u32.zst -- sh -c 'exit 7'
gives 7 helper childless framepool pin a.dat -- sh -c 'exit 7'
gives 0 helper childless framepool trace report /mnt/read.u32.zst
PATH=/nonexistent gives 1 "$(command -v framepool)" trace report /mnt/read.u32.zst
says err "there is no zstd to decompress it. Install zstd"
PATH=/nonexistent gives 1 "$(command -v framepool)" trace record a.dat -o /mnt/x.zst -s 1
says err "there is no zstd to compress it"
runs 0 trace record a.dat -o "/mnt/ä.u32" --json -- cat /dev/framepool/a.dat
says err '"file": "/mnt/ä.u32",'
sh -c "trap '' HUP; exec framepool trace record a.dat -o /mnt/x.u32 -s 3" > /tmp/out 2> /tmp/err &
sleep 1
kill -HUP $!
wait $!
says out "in 3."
framepool trace record a.dat -o /mnt/end.u32 -- sleep 60 > /tmp/out 2> /tmp/err &
sleep 1
kill $!
wait $!
[ $? = 143 ] && [ -e /mnt/end.u32 ]
ok $? "SIGTERM ends the program, and then the recording"
TERM=linux helper pty 'recording: ' "$(printf '\034')" -- framepool trace record a.dat -o /mnt/quit.u32 > /tmp/out 2> /tmp/err
ok $? "SIGQUIT ends a recording"
rm /mnt/quit.u32
(trap '' XFSZ; ulimit -f 0; framepool trace record a.dat -o /mnt/quit.u32 -- cat /dev/framepool/a.dat 2>&1 > /dev/null) | cat > /tmp/err
says err "as large as a file may be"
set -- /mnt/quit.u32*
[ ! -e "$1" ]
ok $? "and there is nothing left of it"
framepool trace record a.dat -o /mnt/term.u32 > /tmp/out 2> /tmp/err &
sleep 1
fails 1 trace record a.dat -o /mnt/x.u32 -s 1 -- "somebody records it already"
cat /dev/framepool/a.dat > /dev/null
kill $!
wait $!
ok $? "SIGTERM ends a recording"
[ "$(stat -c %s /mnt/term.u32)" = 1024 ]
ok $? "and the file is whole"
runs 0 attach /mnt/b.dat
runs 0 trace record --pool default -o /mnt/two.u32 -- cat /dev/framepool/b.dat
grep -q "a.dat: pages 0 to 255" /tmp/err && grep -q "b.dat: pages 256 to 511" /tmp/err
ok $? "pages of a second space come after those of the first"
od -An -v -tu4 -w4 /mnt/two.u32 | awk '$1 < 256 || $1 > 511 { exit 1 }'
ok $? "those of b.dat are"
runs 0 attach /mnt/b.dat --name again.dat
runs 0 trace record --pool default -o /mnt/two.u32 -- cat /dev/framepool/b.dat
[ "$(grep -c "dat: pages" /tmp/err)" = 2 ]
ok $? "a space with two names is recorded once"
runs 0 detach again.dat
runs 0 detach b.dat
mkdir -p /mnt/small
mount -t tmpfs -o size=32k none /mnt/small
cat > /tmp/much <<- 'END'
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; do
		cat /dev/framepool/a.dat > /dev/null
	done
	END
runs 1 trace record a.dat -o /mnt/small/full.u32 -- sh /tmp/much
says err "the disk is full"
[ -z "$(ls /mnt/small)" ]
ok $? "and there is no half of a trace"
umount /mnt/small
fails 1 trace record none -o /mnt/x.u32 -- "nothing is attached"
fails 1 trace record --pool none -o /mnt/x.u32 -- "no such pool"
fails 1 trace record a.dat -o /nonexistent/x.u32 -- "no such directory"
fails 1 trace record a.dat -o /mnt/dir -- "it is a directory"
fails 1 trace record a.dat -o /dev/null -- "no regular file"
fails 2 trace record -o /mnt/x.u32 -- "takes NAMEs, or --pool"
fails 2 trace record a.dat -- "needs a FILE"
fails 2 trace record a.dat -o /mnt/x.u32 -i 0 -- "no number of milliseconds"
fails 2 trace record a.dat -o /mnt/x.u32 -s x -- "no number of seconds"
fails 2 trace -- "takes record or report"
printf abc > /mnt/torn.u32
: > /mnt/none.u32
cp /mnt/loop.u32 /mnt/plain.zst
cp /mnt/read.u32.zst /mnt/packed.u32
fails 1 trace report /mnt/torn.u32 -- "ends in the middle of a record"
fails 1 trace report /mnt/none.u32 -- "has no records"
fails 1 trace report /mnt/plain.zst -- "is not a whole zstd stream"
fails 1 trace report /mnt/packed.u32 -- "does not end in .zst"
fails 1 trace report /mnt/nowhere -- "No such file"
fails 2 trace report -- "takes one FILE"
fails 2 trace report /mnt/loop.u32 --sizes 1,x -- "is no size of a pool"
fails 2 trace report /mnt/loop.u32 --sizes 1%,2%,3%,4%,5%,6%,7%,8%,9%,10%,11%,12%,13%,14%,15%,16%,17% -- "16 sizes at most"
runs 0 trace report /mnt/loop.u32 --sizes 400K,1M,1T,4T --json
[ "$(grep -c '"LRU": 100' /tmp/out)" = 4 ]
ok $? "pools of all sizes from the pages' on miss each page once"
runs 0 detach a.dat

# The file of the service.
cat > /tmp/conf <<- 'END'
	# what is there after boot
	pool create second --size 4M
	attach /mnt/a.dat --pool second --name one --block 16
	attach -r "/mnt/b.dat"
END
runs 0 up /tmp/conf
says out /dev/framepool/one
says out /dev/framepool/b.dat
runs 0 down /tmp/conf
[ ! -e /dev/framepool/one ] && [ ! -e /dev/framepool/b.dat ]
ok $? "they are gone"
runs 0 up /tmp/conf --json
[ "$(tr -d ' \n' < /tmp/out)" = '[{"name":"one","node":"/dev/framepool/one","pool":"second"},{"name":"b.dat","node":"/dev/framepool/b.dat","pool":"default"}]' ]
ok $? "and what is there again is told to programs"
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
echo 'attach -j /mnt/a.dat' > /tmp/conf
runs 0 up /tmp/conf
says out '"node": "/dev/framepool/a.dat"'
runs 0 down /tmp/conf
[ ! -e /dev/framepool/a.dat ]
ok $? "options that stand before the file are understood"
echo 'pool create third --size 2M --policy nonsense' > /tmp/conf
runs 1 up /tmp/conf
says err "there is no policy 'nonsense' (Invalid argument). There are tenure, clock, lru2, fifo."
says err "/tmp/conf:1: not done"
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

# Without a pool there is nowhere to read which policies there are.
runs 0 pool destroy default
fails 1 pool create odd --size 2M --policy nonsense -- "there is no policy 'nonsense' (Invalid argument). 'modinfo framepool' lists them."

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
