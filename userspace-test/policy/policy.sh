#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash disable=SC2317  # some functions are called by others' arguments
# The simulator of replacement policies as a program. Prints TAP.
#
# Bad input is refused as a whole: one line that names it, status 1, nothing printed and nothing made.

top=$(cd "$(dirname "$0")/../.." && pwd)
# Of the make that runs all tests, and not meant for those that are run here.
unset MAKEFLAGS MFLAGS MAKELEVEL TRACES BATCH WHATIF PLOTS
make -s -C "$top/bench/policy" || exit

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

about='folders: '
mkdir hollow
refused "no folder '$PWD/none'" bench_policy TRACES="$PWD/none" PLOTS="$PWD/plots"
refused "no folder '$PWD/web.u32'" bench_policy TRACES="$PWD/web.u32" PLOTS="$PWD/plots"
refused "no trace *.u32.zst or *.u32 in '$PWD/hollow'" bench_policy TRACES="$PWD/hollow" PLOTS="$PWD/plots"
refused "a batch is 1 to 256 frames, not '\$(HOME)'" bench_policy BATCH="\$(HOME)"

mkdir "it's \$(ours)"
cp web.u32 "it's \$(ours)"
zstd -q db.u32 -o "it's \$(ours)/db.u32.zst"
# From another folder than the tree, with a name that make and the shell would like to read.
gives 0 bench_policy TRACES="it's \$(ours)" PLOTS="$PWD/plots"
says out 'web: 20000 references to 50 pages'
says out 'db: 20000 references to 400 pages'
tail -n 1 "$work/out" | grep -qx 'geomean tenure [0-9.]*'
ok $? 'the last line is the geometric mean'
finish
