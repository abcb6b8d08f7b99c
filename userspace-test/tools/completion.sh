#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The completion for bash, on the host: what it offers for words before the cursor. Prints TAP.
#
# usage: completion.sh DIRECTORY-OF-THE-COMMAND
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$(cd "$1" && pwd):$PATH
# shellcheck source=/dev/null
. "$top/tools/framepool.bash"

number=0
failed=0

# offers EXPECTED WORD...: the last of the words is being typed.
offers() {
	local expected=$1 got
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_framepool
	got=$(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' ')
	number=$((number + 1))
	if [ "$got" = "$expected" ]; then
		echo "ok $number - $*"
	else
		failed=1
		echo "not ok $number - $*"
		echo "# offered '$got' instead of '$expected'"
	fi
}

offers 'stat sync' framepool s
offers 'attach' framepool at
offers '' framepool nonsense
offers '--json' framepool list --j
offers '--length' framepool warm --le
offers '--ascii' framepool map --as
offers '1 16' framepool attach x --block 1
offers 'always auto' framepool map --color a
offers 'create destroy list' framepool pool ''
offers '--pool' framepool attach --po
offers '--match' framepool run --ma
offers 'record report' framepool trace ''
offers '--interval' framepool trace record --int
offers 'clock fifo lru2 tenure' framepool policy default ''
offers 'fifo' framepool pool create x --policy f
offers 'off on' framepool pool create x --working-sets o
offers '--working-sets' framepool pool create x --w
offers '--json' framepool policy --j
offers 'd' framepool top --sort d
cd "$top" || exit 1
offers 'COPYING' framepool attach COPY
offers 'COPYING' framepool map --from COPY
offers 'COPYING' framepool up COPY
offers 'COPYING' framepool trace record x -o COPY
offers 'COPYING' framepool trace report COPY
offers '' framepool trace record x -s ''
offers '' framepool doctor x
echo "1..$number"
exit $failed
