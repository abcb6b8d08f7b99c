#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A pool over storage that is reached by network: NBD, NVMe over TCP, NFS, each served by this machine itself over the
# loopback. The same program on each: it works, it survives a restart of the server, and while the server stays away there are
# errors, and nothing is lost. Prints TAP.
#
# usage: remote.sh nbd|nvme|nfs
# shellcheck disable=SC2317,SC2016,SC2086,SC2028  # called by the kind's name; evaluated later; no blanks in our names

kind=$1
export PATH="$PWD/remote:$PATH"
# shellcheck source=tap.sh
. ./tap.sh
about="$kind: "

# until_true COMMAND: within a minute.
until_true() {
	tries=0
	until eval "$1"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		sleep 0.1
	done
}

# What a server keeps its bytes in.
dd if=/dev/zero of=/mnt/disk bs=1M count=24 2>/dev/null

nbd_up() {
	nbd-server -C /tmp/nbd.conf > /tmp/nbd.log 2>&1
	until_true 'nbd_sockets 0A'
}
# nbd_sockets STATES: the server has one that is in one of them. (Its processes say nothing: nobody buries them here.)
nbd_sockets() {
	cat /proc/net/tcp /proc/net/tcp6 | grep -qE "^ *[0-9]+: [0-9A-F]+:2A39 [0-9A-F]+:[0-9A-F]+ ($1) "
}
nbd_down() {
	# Also the one that has just begun to serve who came back too early.
	until_true 'kill -9 $(pidof nbd-server) 2> /dev/null; ! nbd_sockets "01|0A"'
}
nbd_begin() {
	modprobe nbd nbds_max=1
	printf '[generic]\nuser = root\ngroup = root\n[disk]\nexportname = /mnt/disk\nflush = true\n' > /tmp/nbd.conf
	nbd_up
	backing=/dev/nbd0
	# nbd-client can give a device that is open no new connection. What waits is told after a minute that it has failed.
	nbd-keep 10809 disk 0 60 > /tmp/nbd-keep.log 2>&1 &
	keeper=$!
	until_true '[ "$(cat /sys/block/nbd0/size)" = 49152 ]'
}
port=/sys/kernel/config/nvmet/ports/1
nvme_up() {
	ln -s /sys/kernel/config/nvmet/subsystems/disk $port/subsystems/disk
}
nvme_down() {
	rm $port/subsystems/disk
}
nvme_begin() {
	modprobe nvmet && modprobe nvmet_tcp && modprobe nvme_tcp || return
	system=/sys/kernel/config/nvmet/subsystems/disk
	mkdir -p $system/namespaces/1
	echo 1 > $system/attr_allow_any_host
	# Buffered, so that what the target says is written is in its page cache.
	echo 1 > $system/namespaces/1/buffered_io
	printf /mnt/disk > $system/namespaces/1/device_path
	echo 1 > $system/namespaces/1/enable
	mkdir $port
	echo tcp > $port/addr_trtype
	echo ipv4 > $port/addr_adrfam
	echo 127.0.0.1 > $port/addr_traddr
	echo 4420 > $port/addr_trsvcid
	nvme_up
	# Tries again each second; after 8 what waits is told that it has failed; it goes on trying for 10 minutes.
	echo "transport=tcp,traddr=127.0.0.1,trsvcid=4420,nqn=disk,reconnect_delay=1,fast_io_fail_tmo=8,ctrl_loss_tmo=600,keep_alive_tmo=2" > /dev/nvme-fabrics
	backing=/dev/nvme0n1
	until_true '[ -b "$backing" ]'
}
nvme_end() {
	echo 1 > /sys/class/nvme/nvme0/delete_controller
	nvme_down
}

# What mountd would tell the kernel: everybody is the client `all`, and /export is the root of what he sees.
nfs_caches() {
	end=2147483647
	echo "nfsd 127.0.0.1 $end all" > /proc/net/rpc/auth.unix.ip/channel
	echo "all /export $end 9218 65534 65534 0" > /proc/net/rpc/nfsd.export/channel
	echo "all 1 \\x00000000 $end /export" > /proc/net/rpc/nfsd.fh/channel
}
nfs_up() {
	nfs_caches
	echo 4 > /proc/fs/nfsd/threads || return
	# Nobody is to be waited for: who was connected opens anew.
	echo Y > /proc/fs/nfsd/v4_end_grace
	nfs_caches
}
nfs_down() {
	echo 0 > /proc/fs/nfsd/threads
}
nfs_begin() {
	modprobe nfsd && modprobe nfsv4 || return
	mount -t nfsd nfsd /proc/fs/nfsd
	mkdir -p /export /nfs /var/lib/nfs/v4recovery
	mount --bind /mnt /export
	echo 10 > /proc/fs/nfsd/nfsv4leasetime
	echo 10 > /proc/fs/nfsd/nfsv4gracetime
	echo "-2 -3 +4" > /proc/fs/nfsd/versions
	nfs_up
	# Errors after 3 + 6 + 9 seconds without an answer.
	mount -i -t nfs4 -o vers=4.1,soft,timeo=30,retrans=2,addr=127.0.0.1,clientaddr=127.0.0.1 127.0.0.1:/ /nfs
	backing=/nfs/disk
	until_true '[ -e "$backing" ]'
}
nfs_end() {
	umount /nfs
	nfs_down
	umount /export
}

${kind}_begin > /tmp/out 2>&1
ok $? "the server and its client begin"
node=/dev/framepool/remote
# It takes more than the pool: pages have to leave.
gives 0 framepool attach "$backing" --name remote
gives 0 backing store $node 1
gives 0 backing sync $node 1
gives 0 framepool evict remote
gives 0 backing check $node 1

# A restart in the middle of the work.
restart() {
	backing work $node 2 > /tmp/work 2>&1 &
	until_true 'grep -q "round 1" /tmp/work'
	${kind}_down
	sleep 1
	${kind}_up
	wait $!
	status=$?
	cp /tmp/work /tmp/out
	[ $status = 0 ]
	ok $? "work goes on over a restart of the server, and finds what it has stored"
	told=$(grep -cv round /tmp/work)
	[ "$told" = 0 ]
	ok $? "and was told of no failure"
	gives 0 framepool evict remote
}
restart

# The server stays away. Two pages are in memory.
gives 0 backing store $node 3
gives 0 backing sync $node 3
gives 0 framepool evict remote
gives 0 framepool warm remote --length 8K
${kind}_down
gives 0 backing store $node 4 2
gives 4 backing sync $node 4
grep -q 'fsync: E[A-Z]*$' /tmp/out
ok $? "sync fails with an errno: $(cat /tmp/out)"
# A page that is not in memory.
gives 3 backing check $node 4
framepool stat remote --json > /tmp/out
grep -q '"write_error": [1-9]' /tmp/out
ok $? "the space says that it has an error, $(grep write_error\" /tmp/out)"
gives 0 backing check $node 4 2

if [ $kind = nbd ]; then
	gives 1 framepool detach remote
	gives 0 backing check $node 4 2
	# Once the kernel has given up a device of NBD it takes no connection any more as long as it is open.
	kill $keeper
	finish
fi
${kind}_up
until_true 'backing sync $node 4 > /tmp/out 2>&1'
ok $? "when the server is back it can be synced"
until_true 'framepool evict remote > /tmp/out 2>&1'
gives 0 backing check $node 4 2
gives 0 backing store $node 5
gives 0 backing check $node 5
gives 0 framepool detach remote
${kind}_end > /tmp/out 2>&1
framepool attach /mnt/disk --name remote > /tmp/out 2>&1
gives 0 backing check $node 5
framepool detach remote
finish
