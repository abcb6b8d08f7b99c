# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# What the build scripts share: where the tree and the cache are, how to complain, who may do what.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${FRAMEPOOL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/framepool}

# depmod and mkfs live there, where a user who is not root does not look.
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "${0##*/}: $*" >&2; }
die() { say "$@"; exit 1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Take the lock NAME for the rest of the script: whoever comes second waits, and finds the work done.
lock() {
	mkdir -p "$cache"
	exec 9> "$cache/.$1.lock"
	flock 9
}

# The release that the installed kernel headers of 6.1 or 6.12 belong to, e.g. 6.1.0-56-cloud-amd64.
headers_release() {
	local meta
	case $1 in
	6.1)	meta=linux-headers-cloud-amd64 ;;
	6.12)	meta=linux-headers-6.12-cloud-amd64 ;;
	*)	die "no stock kernel '$1': 6.1 or 6.12" ;;
	esac
	dpkg-query -W -f '${Depends}' "$meta" 2>/dev/null | sed -n 's/.*linux-headers-\([0-9][^ ,]*\).*/\1/p' | grep . ||
		die "$meta is not installed: run 'make deps'"
}
