#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The Python module against the device, as root. Prints TAP.

usage: test-python.py DIR       files are made there
"""
import errno
import mmap
import os
import stat
import sys

import numpy

import framepool

PAGE = mmap.PAGESIZE
PAGES = 64
count = failed = 0


def ok(passed, name):
    global count, failed
    count += 1
    failed += not passed
    print(f"{'' if passed else 'not '}ok {count} - {name}", flush=True)


def raises(number, name, function, *args, **keywords):
    """The call raises OSError with this errno."""
    try:
        function(*args, **keywords)
        got = None
    except OSError as e:
        got = e.errno
    ok(got == number, f"{name}: {errno.errorcode[number]}" + (f", not {got}" if got != number else ""))


def make_file(path):
    with open(path, "wb") as f:
        for page in range(PAGES):
            f.write(bytes([page + 1]) * PAGE)
        f.flush()
        os.fsync(f.fileno())


def read(path, offset, length=1):
    with open(path, "rb") as f:
        f.seek(offset)
        return f.read(length)


def test_buffers(path):
    with framepool.map_file(path) as data:
        ok(data.pooled and len(data) == data.size() == PAGES * PAGE, "a file is mapped through the pool")
        ok(data[0] == 1 and data[-1] == PAGES and data[PAGE - 1:PAGE + 1] == b"\1\2", "its bytes, by index and slice")
        view = memoryview(data)
        ok(view.readonly and view.nbytes == PAGES * PAGE and view[PAGE] == 2, "memoryview, read-only")
        view.release()
        array = numpy.frombuffer(data, dtype=numpy.uint8).reshape(PAGES, PAGE)
        ok(bool((array[:, 0] == numpy.arange(1, PAGES + 1)).all()), "numpy.frombuffer")
        ok(array.sum(dtype=numpy.int64) == PAGE * PAGES * (PAGES + 1) // 2, "a reduction")
        try:
            data.close()
            ok(False, "closing under a view is refused")
        except BufferError:
            ok(True, "closing under a view is refused")
        del array
        ok(data.find(bytes([9])) == 8 * PAGE, "find")
        raises(errno.EINVAL, "resizing a mapping", data.resize, PAGE)


def test_stores(path):
    with framepool.map_file(path, write=True) as data:
        array = numpy.frombuffer(data, dtype=numpy.uint32)
        array[0] = 0x04030201
        data.flush()
        ok(read(path, 0, 4) == b"\1\2\3\4", "a store through numpy is in the file after flush()")
        del array
        data[PAGE] = 77
        ok(data.space.sync().done == 1 and read(path, PAGE) == b"\x4d", "and by the space's sync()")
    with framepool.map_file(path, private=True) as data:
        data[PAGE] = 99
    ok(read(path, PAGE) == b"\x4d", "a private store reaches nobody")


def test_residency(space):
    """Another process makes the space much larger between the two calls of residency()."""
    ask = space.info

    def grow_after():
        info = ask()
        space.resize(1 << 30)
        return info

    space.evict()
    space.prefetch(0, 4 * PAGE)
    space.info = grow_after
    ok(space.residency() == [True] * 4 + [False] * (PAGES - 4), "residency of a space that has just grown")
    del space.info
    ok(len(space.residency(0, 3 * PAGE)) == 3 and space.residency(1 << 30) == [], "of a part, and at the end")
    raises(errno.EINVAL, "behind the end", space.residency, (1 << 30) + PAGE)


def test_space(control, path):
    with control.attach(path) as space:
        info = space.info()
        ok(info.bytes == PAGES * PAGE and info.name == b"" and info.as_dict()["pool"] == "default", "info")
        ok(space.evict().done + space.residency().count(True) <= PAGES and not any(space.residency()), "evict")
        got = space.prefetch(0, 3 * PAGE)
        ok(got.done == 3 and space.residency() == [True] * 3 + [False] * (PAGES - 3), "prefetch and residency")
        ok(space.pin(0, PAGE).done == 1 and space.evict().pinned == 1, "pin")
        ok(space.unpin().done == 1, "unpin")
        ok(space.hold(0, PAGE).done == 1 and space.release().written == 0, "hold and release")
        ok(space.errors().reads == 0, "errors")
        space.set_block(2)
        ok(space.info().block_type == 2, "set_block")
        raises(errno.EINVAL, "a block type that is none", space.set_block, 6)
        raises(errno.EINVAL, "an offset inside a page", space.prefetch, 1)
        raises(errno.EINVAL, "a range behind the end", space.evict, (PAGES + 1) * PAGE)
        with space.map() as data:
            ok(data[2 * PAGE] == 3, "map")
        test_residency(space)
        space.resize(2 * PAGE)
        ok(os.stat(path).st_size == 2 * PAGE == space.info().bytes, "resize")
    try:
        space.info()
        ok(False, "a closed space")
    except ValueError:
        ok(True, "a closed space")


def test_direct(control, path):
    with control.attach(path) as space:
        ok(not space.info().state & framepool.SPACE_DIRECT_PATH, "by the file system")
    with control.attach(path, direct=True) as space:
        ok(space.info().state & framepool.SPACE_DIRECT_PATH, "past the file system")
        with space.map(write=True) as data:
            data[5] = 0x77
            data.flush()
    with open(path, "rb") as file:
        file.seek(5)
        ok(file.read(1) == b"\x77", "a byte that went to the file's blocks")


def test_names(control, path):
    control.attach(path, "py", mode=0o640, gid=7)
    node = os.stat("/dev/framepool/py")
    ok((node.st_mode & 0o777, node.st_gid) == (0o640, 7), "attach under a name, with a mode and a group")
    ok([s.name for s in control.spaces()] == [b"py"] and "name='py'" in repr(control.spaces()[0]), "spaces")
    with framepool.map_file("/dev/framepool/py") as data:
        ok(data.pooled and data[PAGE] == 0x4d, "map a node")
    with framepool.Space.open("py") as space:
        ok(space.info().opens == 2, "open it")
        raises(errno.EBUSY, "detach while it is open", control.detach, "py")
    raises(errno.EEXIST, "the name again", control.attach, path, "py")
    control.detach("py")
    raises(errno.ENOENT, "detach what is not there", control.detach, "py")
    raises(errno.EINVAL, "a name that is too long", control.attach, path, "n" * 64)
    raises(errno.ENOENT, "no such file", framepool.map_file, "/nonexistent")
    raises(errno.ENOENT, "no such pool", framepool.map_file, path, pool="none")
    try:
        framepool.map_file(path, write=True, private=True)
        ok(False, "write and private")
    except ValueError:
        ok(True, "write and private")


def test_pools(control, path):
    control.create_pool("second", 4 << 20)
    ok([p.name for p in control.pools()] == [b"default", b"second"], "create_pool and pools")
    ok(sum(n << order for order, n in enumerate(control.pools()[1].free_blocks)) == control.pools()[1].free,
       "free blocks come to what is free")
    control.create_pool("flat", 2 << 20, working_sets=False)
    ok([p.state for p in control.pools()] == [0, 0, framepool.POOL_ONE_SET], "a pool without working sets")
    control.destroy_pool("flat")
    control.set_policy("second", "fifo")
    ok([p.policy for p in control.pools()] == [b"tenure", b"fifo"], "set_policy")
    raises(errno.EINVAL, "no such policy", control.set_policy, "second", "nonsense")
    with framepool.map_file(path, pool="second") as data:
        ok(data.space.info().pool == b"second", "a file in it")
        ok(data[:4096] is not None and control.working_set(pool="second").charge >= 1, "working_set")
        control.limit_working_set(pool="second", min=16, max=64)
        sets = control.working_sets("second")
        ok([(w.id != 0, w.pid, w.min, w.max) for w in sets] ==
           [(False, 0, 0, framepool.NO_MAX), (True, os.getpid(), 16, 64)], "limit_working_set and working_sets")
        raises(errno.EINVAL, "a maximum of 7", control.limit_working_set, max=7, pool="second")
        raises(errno.ESRCH, "a process that maps nothing", control.working_set, 1, "second")
        raises(errno.EBUSY, "destroy_pool while it is used", control.destroy_pool, "second")
    control.destroy_pool("second")
    raises(errno.ENOENT, "destroy_pool twice", control.destroy_pool, "second")
    raises(errno.EINVAL, "an odd size", control.create_pool, "odd", 4097)


def test_nodes_of_nothing(path, gone):
    """A node that is there although no module is: of the device that has gone, and of one that there never was."""
    node = "/dev/framepool/control"
    os.makedirs(os.path.dirname(node), exist_ok=True)
    for number, device in ((errno.ENXIO, gone), (errno.ENODEV, os.makedev(10, 250))):
        os.mknod(node, stat.S_IFCHR | 0o600, device)
        raises(number, "a node of nothing", framepool.map_file, path)
        with framepool.map_file(path, fallback=True) as data:
            ok(not data.pooled and data[PAGE] == 0x4d, "fallback=True maps the file then, too")
        raises(errno.ENOENT, "a file that is not there", framepool.map_file, "/nonexistent", fallback=True)
        os.unlink(node)


def test_fallback(path):
    with framepool.map_file(path, fallback=True) as data:
        ok(data.pooled, "nothing falls back where there is a pool")
    raises(errno.ENOENT, "nor where there is no such pool", framepool.map_file, path, pool="none", fallback=True)
    gone = os.stat("/dev/framepool/control").st_rdev
    os.system("rmmod framepool")
    raises(errno.ENOENT, "without the module", framepool.map_file, path)
    with framepool.map_file(path, write=True, fallback=True) as data:
        data[0] = 5
        ok(not data.pooled and data.space is None, "fallback=True maps the file itself")
    ok(read(path, 0) == b"\5", "and its stores are in the file")
    with framepool.map_file("/dev/ram0", fallback=True) as data:
        with open("/dev/ram0", "rb") as device:
            ok(len(data) == device.seek(0, os.SEEK_END) > 0, "and so it does a block device, all of it")
    test_nodes_of_nothing(path, gone)


def main():
    path = os.path.join(sys.argv[1], "python.dat")
    make_file(path)
    with framepool.Control() as control:
        test_buffers(path)
        test_stores(path)
        test_direct(control, path)
        test_space(control, path)
        test_names(control, path)
        test_pools(control, path)
    test_fallback(path)
    print(f"1..{count}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
