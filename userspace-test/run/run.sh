#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Unmodified programs in a VM, given a node, and by `framepool run`: with and without a pool, and their results. Prints TAP.

export PATH="$PWD/run:$PATH" HOME=/tmp
# shellcheck source=tap.sh
. ./tap.sh

quiet() {
	[ ! -s /tmp/err ]
	ok $? "without a word"
}

# What the pool has done so far.
faults() {
	framepool stat --pool default --json |
		sed -n 's/.*"m[ai][jn]or_faults": \([0-9]*\).*/\1/p' | { sum=0; while read -r n; do sum=$((sum + n)); done; echo $sum; }
}

# pooled COMMAND...: it succeeds, and the pool has had faults meanwhile.
pooled() {
	before=$(faults)
	gives 0 "$@"
	after=$(faults)
	[ "$after" -gt "$before" ]
	ok $? "and $((after - before)) faults were the pool's"
}

# Programs that are given a node, and take the size from lseek() or an option.
python=$PWD/python-vm/python
dd if=/dev/zero of=/mnt/wide bs=1M count=48 2> /dev/null
framepool attach /mnt/wide > /dev/null
pooled fio --name=job --ioengine=mmap --filename=/dev/framepool/wide --size=48M --bs=4k --rw=randwrite --verify=crc32c \
	--do_verify=1 --verify_fatal=1 --randseed=7
! grep -qE 'verify:|err= *[1-9]' /tmp/out /tmp/err
ok $? "fio, mapping a node larger than the pool, reads what it has written"
framepool detach wide
gives 0 fio --name=job --ioengine=psync --filename=/mnt/wide --size=48M --bs=4k --rw=randwrite --verify=crc32c --verify_only \
	--verify_fatal=1 --randseed=7
cat > /tmp/memmap.py <<'END'
import sys
import numpy

data = numpy.memmap(sys.argv[1], dtype=numpy.uint64, mode="r+")
data[:] = numpy.arange(len(data), dtype=numpy.uint64) * numpy.uint64(2654435761)
data[::-977] ^= numpy.uint64(0xffff)
data.flush()
print(len(data), data.sum(), data[12345::4096].max())
END
gives 0 "$python" /tmp/memmap.py /mnt/wide
cp /tmp/out /tmp/plain
sha256sum < /mnt/wide > /tmp/sum
dd if=/dev/zero of=/mnt/wide bs=1M count=48 2> /dev/null
framepool attach /mnt/wide > /dev/null
pooled "$python" /tmp/memmap.py /dev/framepool/wide
cmp /tmp/plain /tmp/out
ok $? "numpy.memmap of a node computes the same"
framepool detach wide
[ "$(sha256sum < /mnt/wide)" = "$(cat /tmp/sum)" ]
ok $? "and leaves the same file"
rm /mnt/wide

gives 2 framepool run
says err "run needs a PROGRAM"
gives 2 framepool run --min-size many true
says err "'many' is no number of bytes"
gives 2 framepool run --match '' true
says err "an empty GLOB matches nothing"
gives 2 framepool run --pool 'a b' true
says err "'a b' can be no name of a pool"
gives 1 framepool run --pool none true
says err "cannot use pool none: there is no such pool"
gives 127 framepool run no-such-program
says err "cannot run no-such-program: there is no such program"
gives 127 framepool run static true
says err "it is statically linked"
gives 127 framepool run /mnt
says err "cannot run /mnt: Permission denied"
gives 3 framepool run -- sh -c 'exit 3'
quiet
# With fewer descriptors than the number that the run's own one has else.
for limit in 900 512 64 8; do
	gives 2 sh -c "ulimit -n $limit && exec framepool run coherent"
	quiet
done
pooled sh -c 'ulimit -n 64 && exec framepool run coherent /mnt quick'
quiet

# The same program, with its mappings in the page cache, and in the pool.
gives 0 coherent /mnt
before=$(faults)
framepool run coherent /mnt > /tmp/out 2> /tmp/err
ok $? "the same in a pool"
grep '^not ok' /tmp/out | sed 's/^/# /'
[ "$(faults)" -gt "$before" ]
ok $? "and it was in the pool"
[ "$(uniq -c /tmp/err | sed 's/^ *//')" = "5 framepool run: /mnt/coherent is in the pool, and stdio, which has opened it, goes past the pool" ]
ok $? "what goes past it was said once by each of five programs"
before=$(faults)
gives 0 framepool run --match '*.db' coherent /mnt quick
[ "$(faults)" = "$before" ]
ok $? "what does not match is left alone"
gives 0 framepool run --match '/mnt/coh*' -s 16M -- coherent /mnt quick
[ "$(faults)" = "$before" ]
ok $? "and so is what is too short"
[ "$(framepool list --json | grep -c '"name"')" = 0 ]
ok $? "no space is left"

# A disk that is full: what was stored has no place in the file.
gives 0 framepool run coherent /mnt full
grep '^not ok' /tmp/out | sed 's/^/# /'
quiet
[ "$(framepool list --json | grep -c '"name"')" = 0 ]
ok $? "and it left no space"

sql() {
	echo 'PRAGMA mmap_size=268435456; PRAGMA page_size=4096;'
	echo 'CREATE TABLE t(id INTEGER PRIMARY KEY, word TEXT, n INTEGER);'
	echo 'BEGIN; WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<8000)'
	echo " INSERT INTO t SELECT i, hex(i*2654435761 % 4294967296), i*7919 % 10007 FROM c; COMMIT;"
	echo 'CREATE INDEX x ON t(n); UPDATE t SET word=word||n WHERE n % 3=0; DELETE FROM t WHERE n % 5=0;'
	echo 'VACUUM; INSERT INTO t(word, n) VALUES("last", 1);'
	echo 'SELECT count(*), sum(n), max(word) FROM t; SELECT * FROM t WHERE n BETWEEN 40 AND 60 ORDER BY n, id;'
	echo 'PRAGMA integrity_check;'
}
sql > /tmp/sql
sqlite3 /mnt/plain.db < /tmp/sql > /tmp/plain 2>&1
# The file begins with less than a mapping of the default's size.
pooled framepool run --match '*.db' --min-size 4K -- sqlite3 /mnt/pool.db '.read /tmp/sql'
quiet
cmp /tmp/plain /tmp/out
ok $? "sqlite3 answers the same"
cmp /mnt/plain.db /mnt/pool.db
ok $? "and its file is the same"
framepool attach /mnt/pool.db > /dev/null
gives 0 framepool run sqlite3 -readonly /mnt/pool.db 'PRAGMA mmap_size=268435456; SELECT sum(length(word)) FROM t;'
[ "$(framepool stat pool.db --json | sed -n 's/.*"fills": \([0-9]*\).*/\1/p')" -gt 50 ]
ok $? "a named space of the file counts its pages"
framepool detach pool.db
# Several processes, one after the other and at once, in one database.
cat > /tmp/many.sh <<'END'
for i in 1 2 3; do
	sqlite3 -cmd '.timeout 60000' /mnt/pool.db "PRAGMA mmap_size=268435456;
		WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<500) INSERT INTO t(word, n) SELECT $i, i FROM c;" &
done
wait
sqlite3 -cmd 'PRAGMA mmap_size=268435456' /mnt/pool.db 'PRAGMA integrity_check; SELECT count(*), sum(n) FROM t WHERE word IN (1, 2, 3);'
END
pooled framepool run --match '*.db' sh /tmp/many.sh
[ "$(tail -n 2 /tmp/out | tr '\n' ' ')" = "ok 1500|375750 " ]
ok $? "three writers at once lose nothing"
sqlite3 /mnt/pool.db 'PRAGMA integrity_check;' | grep -q '^ok$'
ok $? "and the file is sound without a pool, too"

records() {
	printf 'VERSION=3\nformat=print\ntype=btree\nmapsize=67108864\nHEADER=END\n'
	i=0
	while [ $i -lt 1500 ]; do
		printf ' key%06d\n value%d of a record that is long enough to fill some pages %d\n' $i $i $((i * i))
		i=$((i + 1))
	done
	echo DATA=END
}
records > /tmp/records
mkdir -p /mnt/lmdb-plain /mnt/lmdb-pool
mdb_load -f /tmp/records /mnt/lmdb-plain
pooled framepool run mdb_load -f /tmp/records /mnt/lmdb-pool
quiet
mdb_dump -p /mnt/lmdb-plain > /tmp/plain
pooled framepool run mdb_dump -p /mnt/lmdb-pool
cmp /tmp/plain /tmp/out
ok $? "LMDB has the same records"
gives 0 mdb_dump -p /mnt/lmdb-pool
cmp /tmp/plain /tmp/out
ok $? "and has them without the pool"
mkdir -p /mnt/lmdb-copy
pooled framepool run mdb_copy -c /mnt/lmdb-pool /mnt/lmdb-copy
gives 0 mdb_dump -p /mnt/lmdb-copy
cmp /tmp/plain /tmp/out
ok $? "and so has a compacted copy"

# Stores go through the mapping here: what LMDB calls a write map.
cat > /tmp/store.py <<'END'
import sys
import lmdb

with lmdb.open(sys.argv[1], map_size=64 << 20, writemap=True, max_dbs=1) as env:
    for turn in range(4):
        with env.begin(write=True) as txn:
            for i in range(turn, 4000, turn + 1):
                txn.put(b"%08d" % (i * 7919 % 10007), b"turn %d, value %d, " % (turn, i) * 9)
            for i in range(0, 4000, 5):
                txn.delete(b"%08d" % i)
    with env.begin() as txn:
        print(sum(len(k) + len(v) for k, v in txn.cursor()), txn.stat()["entries"])
END
mkdir -p /mnt/map-plain /mnt/map-pool
gives 0 "$python" /tmp/store.py /mnt/map-plain
cp /tmp/out /tmp/plain
pooled framepool run "$python" /tmp/store.py /mnt/map-pool
quiet
cmp /tmp/plain /tmp/out
ok $? "python3-lmdb reads in a pool what it has stored through its map"
mdb_dump -p /mnt/map-plain > /tmp/plain
mdb_dump -p /mnt/map-pool > /tmp/out
cmp /tmp/plain /tmp/out
ok $? "and the file has it, record for record"

cat > /tmp/history.sh <<'END'
git init -q --template= "$1" && cd "$1" || exit
git config user.name n
git config user.email e@example.com
for i in 1 2 3; do
	seq "$i" 8000 > numbers
	seq 1 "$i" > more
	cp /tmp/records "records$i"
	export GIT_AUTHOR_DATE="2026-01-0$i 00:00 +0000" GIT_COMMITTER_DATE="2026-01-0$i 00:00 +0000"
	git add . && git commit -qm "$i" || exit
done
git repack -qad && git fsck --full && git log --stat && git grep -c 19 && git show HEAD~1:numbers | md5sum
git rev-parse HEAD
END
sh /tmp/history.sh /mnt/git-plain > /tmp/plain 2>&1
ok $? "git makes a history"
pooled framepool run --min-size 1K sh /tmp/history.sh /mnt/git-pool
cmp /tmp/plain /tmp/out
ok $? "git says the same in a pool"

# ripgrep maps a file that it is told to search.
cat /tmp/records /tmp/records > /mnt/a
rg -n 'value[0-9]*7 .* [0-9]*9$' /mnt/a > /tmp/plain
pooled framepool run rg --mmap -n 'value[0-9]*7 .* [0-9]*9$' /mnt/a
quiet
cmp /tmp/plain /tmp/out
ok $? "ripgrep finds the same $(wc -l < /tmp/out) lines"

# They read and write by stdio: nothing of it is the pool's, and nothing breaks.
sort -S 128K -k 2 /mnt/a > /tmp/plain
gives 0 framepool run -- sort -S 128K -k 2 /mnt/a -o /mnt/sorted
cmp /tmp/plain /mnt/sorted
ok $? "sort sorts the same, with temporary files"
gives 0 framepool run -- zstd -q -T2 /mnt/a -o /mnt/a.zst
gives 0 framepool run -- zstd -q -d /mnt/a.zst -o /mnt/b
cmp /mnt/a /mnt/b
ok $? "zstd brings the bytes back"

[ "$(framepool list --json | grep -c '"name"')" = 0 ]
ok $? "no space is left"
rmmod framepool
gives 3 framepool run true
says err "the module is not loaded"
finish
