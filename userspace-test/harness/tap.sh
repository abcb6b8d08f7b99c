# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# What test programs in shell have in common: a test is counted and printed as TAP; what a command says is kept to be looked at.
# A program begins with `. ./tap.sh`, which is carried into the VM with it, and ends with `finish`.

# Where that is kept; on a host that others use it is a folder of the program's own.
said=${said:-/tmp}
number=0
failed=0
# Before the name of every test, where there is something to say.
about=

# ok STATUS NAME: a test, passed if STATUS is 0; else what the last command said tells more.
ok() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - $about$2"
	else
		failed=1
		echo "not ok $number - $about$2"
		tail -n 20 "$said/out" "$said/err" 2> /dev/null | sed 's/^/# /'
	fi
}

# gives STATUS COMMAND...: the command ends so; what it says is in $said/out and $said/err.
gives() {
	want=$1
	shift
	"$@" > "$said/out" 2> "$said/err"
	got=$?
	[ $got = "$want" ]
	ok $? "$*: status $got, expected $want"
}

# says out|err TEXT: it is in one line of what the last command said there.
says() {
	grep -qF -- "$2" "$said/$1"
	ok $? "it says '$2'"
}

finish() {
	echo "1..$number"
	exit $failed
}
