#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# What the pool's default policy was chosen for, by the simulator's own figures: a change that costs more than this is seen here. Prints TAP.
#
# Of each trace that the simulator makes, and of a stencil, which is a loop over two arrays: never worse than clock by more than 5 %. Over all of
# them four accessed bits for an eviction at most. Of the stencil 1.10 times OPT's misses, in a pool of half of its pages. And of mixes of processes
# what docs/bench.md wants.

top=$(cd "$(dirname "$0")/../.." && pwd)
unset MAKEFLAGS MFLAGS MAKELEVEL
make -s -C "$top/bench/policy" || exit
simulator=$top/build/host/bench-policy/bench-policy

work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
said=$work
# shellcheck source=tap.sh
. "$top/userspace-test/harness/tap.sh"

# figure TRACE POLICY FIELD: of a trace's table, or of that of all. Field 2 is the misses over OPT's in a pool of 1 %, 14 in one of 50 %, 0 the last.
figure() {
	awk -v trace="$1" -v policy="$2" -v field="$3" '
		/^[^ ]/ { ours = $1 == trace || $1 == trace ":" }
		ours && $1 == policy { print field ? $field : $NF }' "$work/out"
}

# at_most FIGURE LIMIT WHAT: one that is not there is not.
at_most() {
	[ -n "$1" ] && awk "BEGIN { exit !($1 <= $2) }"
	ok $? "$3: $1, at most $2"
}

# at_least FIGURE LIMIT WHAT
at_least() {
	[ -n "$1" ] && awk "BEGIN { exit !($1 >= $2) }"
	ok $? "$3: $1, at least $2"
}

# beside_clock TRACE POLICY
beside_clock() {
	clock=$(figure "$1" clock 0)
	at_most "$(figure "$1" "$2" 0)" "1.05 * ${clock:-0}" "$1"
}

about='traces of its own: '
gives 0 "$simulator"
policy=$(sed -n 's/^geomean \([^ ]*\) .*/\1/p' "$work/out")
about="$policy: "
for trace in loop scan zipf phases; do
	beside_clock "$trace" "$policy"
done
at_most "$(figure all "$policy" 3)" 4 "accessed bits for an eviction"
at_most "$(sed -n 's/^geomean [^ ]* //p' "$work/out")" 1.33 "misses over OPT's"

about="$policy, mixes: "
sed -n 's/^working sets, means of .*: \([0-9.]*\) of .* Jain \([0-9.]*\) .* slowdown \([0-9.]*\) .*/\1 \2 \3/p' "$work/out" > "$work/mixes"
read -r faults jain slowdown < "$work/mixes"
at_most "$faults" 0.70 "faults over the clock's"
at_least "$jain" 0.93 "Jain's index"
at_most "$slowdown" 3.0 "worst slowdown"

# Sweeps that read one of two arrays of 11 MB and write the other, in turn.
python3 -c 'import array, sys
array.array("I", (page for sweep in range(13) for i in range(2855)
		  for page in (i + sweep % 2 * 4096, i + (sweep + 1) % 2 * 4096 | 1 << 31))).tofile(open(sys.argv[1], "wb"))' "$work/stencil.u32"
about="$policy, stencil: "
gives 0 "$simulator" "$work/stencil.u32"
beside_clock stencil "$policy"
at_most "$(figure stencil "$policy" 14)" 1.10 "in half of its pages, misses over OPT's"
at_most "$(figure all "$policy" 3)" 4 "accessed bits for an eviction"
finish
