#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reduce a matrix that is larger than the pool: mean and maximum of each column, with numpy.

usage: reduce.py FILE MIB [POOL]        FILE is made, or overwritten
"""
import os
import sys
import time

import numpy

import framepool

COLUMNS = 512
ROWS_AT_ONCE = 512
CGROUP = "/sys/fs/cgroup/framepool-compare"
EXTRA = 8 << 20


def make_file(path, size):
    rows = size // (8 * COLUMNS)
    generator = numpy.random.default_rng(1)
    with open(path, "wb") as f:
        for first in range(0, rows, ROWS_AT_ONCE):
            generator.random((min(ROWS_AT_ONCE, rows - first), COLUMNS)).tofile(f)
        f.flush()
        os.fsync(f.fileno())
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def reduce(matrix):
    """Rows by blocks: each page is looked at once, and numpy's own copies stay small."""
    total, largest = numpy.zeros(COLUMNS), numpy.zeros(COLUMNS)
    for first in range(0, len(matrix), ROWS_AT_ONCE):
        block = matrix[first:first + ROWS_AT_ONCE]
        total += block.sum(axis=0)
        numpy.maximum(largest, block.max(axis=0), out=largest)
    return total / len(matrix), largest


def bound_myself(size):
    """From now on this process may use so much more; False: it takes root, and cgroup2."""
    try:
        os.makedirs(CGROUP, exist_ok=True)
        for name, value in (("memory.max", size), ("cgroup.procs", os.getpid())):
            with open(f"{CGROUP}/{name}", "w", encoding="ascii") as f:
                f.write(str(value))
    except OSError:
        return False
    return True


def bound_of(pool):
    """Bytes that the pool can hold, and a little for the sums."""
    with framepool.Control() as control:
        return next(p.bound for p in control.pools() if p.name.decode() == (pool or "default")) * 4096 + EXTRA


def report(how, function):
    start = time.monotonic()
    mean, largest = function()
    print(f"  {how:<10} {time.monotonic() - start:8.2f} s   mean {mean.mean():.12f}, maximum {largest.max():.12f}")
    return mean, largest


def pooled(path, pool):
    with framepool.map_file(path, pool=pool) as data:
        data.space.set_block(4)
        result = reduce(numpy.frombuffer(data, dtype=numpy.float64).reshape(-1, COLUMNS))
    return result


def main():
    if len(sys.argv) not in (3, 4) or not sys.argv[2].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    path, size, pool = sys.argv[1], int(sys.argv[2]) << 20, (sys.argv + [""])[3]
    make_file(path, size)
    print(f"reduce: a matrix of {size >> 20} MiB")
    ours = report("framepool", lambda: pooled(path, pool))
    bounded = bound_myself(bound_of(pool))
    plain = report("memmap", lambda: reduce(numpy.memmap(path, dtype=numpy.float64, mode="r").reshape(-1, COLUMNS)))
    if not all((a == b).all() for a, b in zip(ours, plain)):
        print("THE RESULTS DIFFER")
        return 1
    print("  the results are equal; memmap had", "as much memory, by a cgroup" if bounded else "all memory")
    return 0


if __name__ == "__main__":
    sys.exit(main())
