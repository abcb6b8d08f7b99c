#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash disable=SC2317  # some functions are called by others' arguments
# The simulator of replacement policies as a program: bad input, names of traces, mixes. Prints TAP.
#
# Bad input is refused as a whole: one line that names it, status 1, nothing printed and nothing made.

top=$(cd "$(dirname "$0")/../.." && pwd)
# Of the make that runs all tests, and not meant for those that are run here.
unset MAKEFLAGS MFLAGS MAKELEVEL TRACES BATCH WHATIF MIX PLOTS
make -s -C "$top/bench/policy" || exit
simulator=$top/build/host/bench-policy/bench-policy

work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
said=$work
# shellcheck source=tap.sh
. "$top/userspace-test/harness/tap.sh"
mkdir "$work/in" || exit
cd "$work/in" || exit

# trace FILE EXPRESSION: the numbers of its pages, which Python works out.
trace() {
	python3 -c 'import array, random, sys
random.seed(1)
array.array("I", eval(sys.argv[2])).tofile(open(sys.argv[1], "wb"))' "$1" "$2"
}

# refused TEXT COMMAND...
refused() {
	text=$1
	shift
	"$@" > "$work/out" 2> "$work/err"
	got=$?
	# make says on its last line that a command has failed.
	sed -i '/^make: \*\*\* /d' "$work/err"
	[ $got != 0 ] && [ ! -s "$work/out" ] && [ ! -e plots ] && [ "$(cat "$work/err")" = "bench-policy: $text" ]
	ok $? "refused: $text"
}

# As `make bench-policy`, but for what it installs.
bench_policy() {
	make -s -C "$top" -o deps bench-policy "$@"
}

trace web.u32 '[i % 50 for i in range(20000)]'
trace db.u32 '[random.randrange(400) for i in range(20000)]'

about='batch: '
for batch in 0 257 -1 1x '' 4294967297 ' 1' 0x10; do
	refused "a batch is 1 to 256 frames, not '$batch'" "$simulator" -p plots -b "$batch" web.u32
done
refused "a batch is 1 to 256 frames, not '\$(HOME)'" bench_policy BATCH="\$(HOME)"

about='what-if: '
allowed='a what-if is SHIFT or SHIFT,EVERY: SHIFT is 0 to 12, EVERY 1 to 1073741824'
for whatif in '' ',' '5,' ,5 5,-1 5,0 5,1,1 13 -1 +5 ' 5' 5x '5, 1' 4294967296 4294967301 18446744073709551621 5,1073741825 \
	5,4294967297; do
	refused "$allowed, not '$whatif'" "$simulator" -p plots -w "$whatif" web.u32
done
refused "$allowed, not ',5'" bench_policy WHATIF=,5
refused "-m, -w and -x each do something else: give one of them" "$simulator" -m -w 5
gives 0 "$simulator" -w 0 db.u32
says out 'off in the mean by 0.000 for policies, 0.000 for sizes, 0.000 for LRU'
gives 0 "$simulator" -w 12,1073741824 db.u32
says out 'pool of 100 frames: too small for a sample of one in 4096'
# One frame more than shadows can have, in the smaller of the two pools.
trace huge.u32 'range(10 * 2 ** 20 + 10)'
gives 0 "$simulator" -w 0 huge.u32
says out 'pool of 1048577 frames: too large for a sample of one in 1'
rm huge.u32

# Two programs in turn: the pool goes the way of recency, which a miniature of 250 frames could not find out. The shadows go with it.
trace turns.u32 '[i // 50000 % 8 * 1500 + random.randrange((500, 3000, 1000, 2000)[i // 50000 % 4]) for i in range(1000000)]'
gives 0 "$simulator" -w 3 turns.u32
awk '/ LRU / { next } / off by / { off = $10 / ($7 > 1 ? $7 : 1); if (off < 0) off = -off; if (off > most) most = off; n++ }
	END { exit !(n == 18 && most < 0.1) }' "$work/out"
ok $? 'the way of the pool: what shadows say is right within a tenth'

about='traces: '
: > empty.u32
printf 'abcdefg' > torn.u32
zstd -q db.u32 -o whole.u32.zst
head -c $(($(wc -c < whole.u32.zst) - 9)) whole.u32.zst > cut.u32.zst
cp web.u32 plain.u32.zst
cp whole.u32.zst packed.u32
zstd -q < torn.u32 > within.u32.zst
zstd -q < empty.u32 > hollow.u32.zst
mkdir folder.u32
mkfifo pipe.u32
# A good one first: it is not simulated before the other was looked at.
for bad in 'none.u32: No such file or directory' 'empty.u32: has no records' 'hollow.u32.zst: has no records' \
	'torn.u32: ends in the middle of a record' 'within.u32.zst: ends in the middle of a record' \
	'cut.u32.zst: is not a whole zstd stream' 'plain.u32.zst: is not a whole zstd stream' \
	'packed.u32: is a zstd stream, but its name does not end in .zst' \
	'folder.u32: is not a regular file' 'pipe.u32: is not a regular file'; do
	refused "$bad" "$simulator" -p plots web.u32 "${bad%%:*}"
done
refused "no folder 'web.u32' for the plots: Not a directory" "$simulator" -p web.u32 web.u32
mkdir bad hollow && cp web.u32 cut.u32.zst bad
refused "$PWD/bad/cut.u32.zst: is not a whole zstd stream" bench_policy TRACES="$PWD/bad" PLOTS="$PWD/plots"
refused "no folder '$PWD/none'" bench_policy TRACES="$PWD/none" PLOTS="$PWD/plots"
refused "no folder '$PWD/web.u32'" bench_policy TRACES="$PWD/web.u32" PLOTS="$PWD/plots"
refused "no trace *.u32.zst or *.u32 in '$PWD/hollow'" bench_policy TRACES="$PWD/hollow" PLOTS="$PWD/plots"

about='a full disk: '
refused 'the results cannot be written: No space left on device' sh -c "'$simulator' -w 1,100 web.u32 > /dev/full"
about='names: '
mkdir twice && cp web.u32 twice && zstd -q web.u32 -o twice/web.u32.zst
refused "web.u32 and twice/web.u32 are both 'web': give one of them another name" "$simulator" -p plots web.u32 twice/web.u32
refused "$PWD/twice/web.u32 and $PWD/twice/web.u32.zst are both 'web': give one of them another name" \
	bench_policy TRACES="$PWD/twice" PLOTS="$PWD/plots"
mkdir "it's \$(ours)"
cp web.u32 "it's \$(ours)/web.1.u32"
zstd -q db.u32 -o "it's \$(ours)/web.2.u32.zst"
cp db.u32 "it's \$(ours)/bob's {x}_y.u32"
# From another folder than the tree, with a name that make and the shell would like to read.
gives 0 bench_policy TRACES="it's \$(ours)" PLOTS="$PWD/plots"
says out 'web.1: 20000 references to 50 pages'
says out 'web.2: 20000 references to 400 pages'
tail -n 1 "$work/out" | grep -qx 'geomean tenure [0-9.]*'
ok $? 'the last line is the geometric mean'
[ "$(cd plots && echo *)" = "bob's {x}_y.svg web.1.svg web.2.svg" ]
ok $? 'a plot for each trace'
for name in web.1 web.2 "bob's {x}_y"; do
	grep -qF "$name" "plots/$name.svg"
	ok $? "its title is $name"
done
cp "$work/out" "$work/builtin"
rm -r plots

about='mixes: '
allowed='a mix is NAME+NAME@FRAMES: 2 to 8 traces, one frame for each to 16777216 frames'
for mix in '' web web+db @100 web@100 web+@100 +web@100 web++db@100 web+db@ web+db@1 web+db@0 web+db@-5 web+db@16777217 \
	web+db@4294967396 web+db@1e3 'web+db@100 ' web+web+web+web+web+web+web+web+web@100 web+web+web@2; do
	refused "$allowed, not '$mix'" "$simulator" -p plots -x "$mix" web.u32 db.u32
done
made='scan20000 zipf0.9 zipf0.8 phases phases2 loop scan zipf'
refused "mix 'web+none@100': there is no trace 'none', but web db $made" "$simulator" -x web+db@100 -x web+none@100 web.u32 db.u32
refused "mix 'web+db@100': there is no trace 'web', but $made" bench_policy MIX=web+db@100
refused 'torn.u32: ends in the middle of a record' "$simulator" -x web+web@100 web.u32 torn.u32
refused '-m, -w and -x each do something else: give one of them' "$simulator" -w 5 -x web+web@100 web.u32

# row RULE: of the last command, a line of its table with single blanks.
row() {
	sed -n "s/^  $1  *\([0-9]\)/$1 \1/p" "$work/out" | tr -s ' '
}

# shows RULE FIGURES
shows() {
	[ "$(row "$1")" = "$1 $2" ]
	ok $? "$1: $2"
}

# A program that needs four pages beside one that reads a file of 1,000 pages three times, in 64 frames. The one faults at each page,
# and is not slower for it than alone; while it waits, the other goes on: were both to wait it would be 36 times slower.
mkdir ours
trace ours/hot.u32 '[i % 4 for i in range(50000)]'
trace ours/phases.u32 '[i % 1000 for i in range(3000)]'
gives 0 bench_policy TRACES="$PWD/ours" MIX=hot+phases@64
says out 'mix hot+phases@64, 64 frames: hot (4 pages) phases (1000 pages)'
shows 'global clock' '3005 1.000 1.000 1.00 5 1.00 4 3000 1.00 64'
row 'working sets' | grep -Eqx 'working sets 2[89][0-9]{2} 0\.9[0-9]{2} 1\.000 1\.00 4 1\.00 4 [0-9]+ 1\.00 64'
ok $? 'working sets: the four pages stay, the loop is resisted'
says out 'working sets, means of 1 mix: 0.9'
# Of 999 pages between two uses of one, OPT keeps 63 all the time.
row 'OPT alone' | awk '{ exit !($3 >= 4 + 3000 - 2 * 64 && $3 <= 4 + 3000 - 2 * 63) }'
ok $? 'OPT alone: all but the 63 or 64 of each round that stay'
# All fits: each page is missed once, whatever the rule.
gives 0 "$simulator" -x phases+hot+hot@1008 ours/*.u32
for rule in 'global clock' global 'working sets'; do
	shows "$rule" '1008 1.000 1.000 1.00 1000 1.00 1000 4 1.00 4 4 1.00 4'
done
shows 'OPT alone' '1008 1.000'
# Two that each need 45 of 50 frames: with one after the other there would be 90 faults; slower by the faults of its own.
trace loop45.u32 '[i % 45 for i in range(9000)]'
gives 0 "$simulator" -x loop45+loop45@50 loop45.u32
row 'global clock' | awk '{ exit !($3 > 180 && $6 > 2 && $5 <= 1) }'
ok $? 'two that do not fit are slower than alone'
# Named one by one, the processes of a mix of ours are that mix.
gives 0 "$simulator" -x phases+phases2+zipf0.8@6000
for rule in 'global clock' global 'working sets'; do
	[ "$(sed -n '/^mix e/,/^  working/p' "$work/builtin" | grep "^  $rule  *[0-9]")" = "$(grep "^  $rule  *[0-9]" "$work/out")" ]
	ok $? "$rule: as mix e"
done
finish
