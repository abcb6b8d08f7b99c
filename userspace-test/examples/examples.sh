#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The examples in a VM: each does what its page says. Prints TAP.

# shellcheck source=tap.sh
. ./tap.sh
examples=$PWD/examples
python=$PWD/python-vm/python

# shows REGEX: it is in what the last program said.
shows() {
	grep -q "$1" /tmp/out /tmp/err
	ok $? "it shows '$1'"
}

mount -t cgroup2 none /sys/fs/cgroup
echo +memory > /sys/fs/cgroup/cgroup.subtree_control
yes 'all work and no play' | head -n 20000 > /mnt/a

gives 0 "$examples/lines" /mnt/a
shows '^20000 lines, through the pool$'
gives 1 "$examples/lines" /nonexistent
shows 'No such file'
gives 0 "$examples/attach" /mnt/a HELLO
[ "$(head -c 8 /mnt/a)" = HELLOork ]
ok $? "its text is in the file"
gives 0 "$examples/ranges" /mnt/a
shows '^########\.*$'
shows '^evict .* 8 stayed pinned$'
gives 0 "$examples/ahead" /mnt/a
shows '^512 records, sum [0-9]*; [1-9][0-9]* pages came while others were read, [1-9]'
gives 0 "$examples/log-ahead" /mnt/a /mnt/log
shows '^before the log is durable: B in memory, H in the file$'
shows '^after release: B in the file, 1 page written$'
framepool attach /mnt/a > /dev/null
gives 0 "$examples/look"
shows 'pool default: '
shows 'space a: 420000 bytes'
framepool detach a
dd if=/dev/zero of=/mnt/wide bs=1M count=16 2> /dev/null
gives 0 "$examples/wander" /mnt/wide 3 2
shows '^[0-9]* loads, [1-9][0-9]* faults; has [1-9][0-9]* pages'
gives 0 "$examples/wander" /mnt/wide 8 2 1
shows 'has 2[0-9]* pages, 256 at most'
gives 1 "$examples/wander" /mnt/wide 8 1 0
shows 'Invalid argument'
gives 1 "$examples/wander" /nonexistent 1 1
shows 'No such file'
gives 2 "$examples/wander" /mnt/wide
rm /mnt/wide
gives 0 "$examples/span" /mnt/a
shows '^105000 numbers, sum [1-9][0-9]*$'
cp /tmp/out /tmp/sum
gives 1 "$examples/span" /nonexistent
shows 'No such file'
gives 0 "$examples/plain" /mnt/a
cmp -s /tmp/out /tmp/sum
ok $? "plain mmap of the file has the same sum"
gives 0 framepool attach /mnt/a
gives 0 "$examples/plain" "$(cat /tmp/out)"
cmp -s /tmp/out /tmp/sum
ok $? "plain mmap of its node, too"
gives 1 "$examples/plain" /nonexistent
shows 'No such file'
gives 0 framepool detach a

# A pool of 8 MiB, files of 10: the results have to be equal, and the pool's the bound.
for program in bfs sort lookup; do
	gives 2 "$examples/$program" /mnt/f
	shows '^usage: '
	gives 0 "$examples/$program" /mnt/f 10
	shows 'the results are equal; plain mmap had as much memory, by a cgroup'
	sed -n 's/^  [fp]/# &/p' /tmp/out
done
gives 0 "$python" "$examples/reduce.py" /mnt/f 10
shows 'the results are equal; memmap had as much memory, by a cgroup'
sed -n 's/^  [fm]/# &/p' /tmp/out
gives 0 framepool stat --json --pool default
[ "$(sed -n 's/.*"resident_max": \([0-9]*\).*/\1/p' /tmp/out)" -le "$(sed -n 's/.*"bound": \([0-9]*\).*/\1/p' /tmp/out)" ]
ok $? "the bound was kept"

rmmod framepool
gives 0 "$examples/lines" /mnt/a
shows '^20000 lines, through the page cache$'
gives 1 "$examples/look"
shows 'No such file'
gives 1 "$examples/bfs" /mnt/f 10
shows 'No such file'
finish
