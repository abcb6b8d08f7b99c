# SPDX-License-Identifier: MIT
"""framepool from Python: file mappings with a hard memory bound of their own.

    import framepool

    with framepool.map_file("big.dat") as data:         # a buffer: memoryview(data), numpy.frombuffer(data)
        print(data[0], data.space.info().resident)

Needs libframepool.so.1 and no build step. Errors are OSError with the errno of framepool(4); a module that is
not loaded is FileNotFoundError, a missing right PermissionError.
"""
import ctypes
import errno
import mmap
import os

__all__ = ["Control", "Mapping", "Space", "map_file"]

NO_MAX = 2**64 - 1
NAME_SIZE = 64
POLICY_SIZE = 16

POOL_ONE_SET = 1 << 0
ATTACH_READ_ONLY = 1 << 0
ATTACH_MODE = 1 << 1
ATTACH_GROUP = 1 << 2
ATTACH_DIRECT = 1 << 3
SPACE_DIRECT_PATH = 1 << 5
HOLD_DROP = 1 << 0

_u32, _i32, _u64 = ctypes.c_uint32, ctypes.c_int32, ctypes.c_uint64


class _Sized(ctypes.Structure):
    """A structure of <linux/framepool.h>: begins with its size, and shows its fields."""

    def __init__(self, **fields):
        for name, value in fields.items():
            if isinstance(value, str):
                fields[name] = _encode(value, NAME_SIZE)
        super().__init__(size=ctypes.sizeof(type(self)), **fields)

    def as_dict(self):
        """The fields, by name; names as str."""
        found = {}
        for name, *_ in self._fields_:
            value = getattr(self, name)
            if isinstance(value, ctypes.Array):
                value = list(value)
            if name not in ("size", "flags", "cursor") and not name.startswith("_"):
                found[name] = value.decode() if isinstance(value, bytes) else value
        return found

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.as_dict().items())})"


def _encode(text, size):
    """A name that is too long must not become another one by being cut."""
    data = os.fsencode(text)
    if len(data) >= size or b"\0" in data:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), text)
    return data


class Attach(_Sized):
    _fields_ = [("size", _u32), ("flags", _u32), ("fd", _i32), ("mode", _u32), ("gid", _u32), ("block_type", _u32),
                ("pool", ctypes.c_char * NAME_SIZE), ("name", ctypes.c_char * NAME_SIZE), ("space", _u32),
                ("space_fd", _i32)]


class SpaceInfo(_Sized):
    _fields_ = [("size", _u32), ("flags", _u32), ("cursor", _u64), ("bytes", _u64), ("space", _u32), ("state", _u32),
                ("block_type", _u32), ("uid", _u32), ("opens", _u32), ("write_error", _u32),
                *((name, _u64) for name in "resident dirty pinned nodes minor_faults major_faults fills fill_errors "
                                           "evictions written write_errors refaults ghosts".split()),
                ("pool", ctypes.c_char * NAME_SIZE), ("name", ctypes.c_char * NAME_SIZE)]


class PoolCreate(_Sized):
    _fields_ = [("size", _u32), ("flags", _u32), ("bytes", _u64), ("base", _u64), ("node", _i32), ("_reserved", _u32),
                ("policy", ctypes.c_char * POLICY_SIZE), ("name", ctypes.c_char * NAME_SIZE)]


class PoolInfo(_Sized):
    _fields_ = [("size", _u32), ("flags", _u32), ("cursor", _u64), ("bytes", _u64), ("base", _u64), ("node", _i32),
                ("spaces", _u32),
                *((name, _u64) for name in "frames kernel nodes free resident resident_max bound minor_faults "
                                           "major_faults fills fill_errors evictions written write_errors refaults "
                                           "splits merges direct_reclaims frame_waits starved".split()),
                ("free_blocks", _u32 * 19), ("fragmentation", _u32 * 19), ("state", _u32), ("_reserved", _u32),
                ("policy", ctypes.c_char * POLICY_SIZE), ("name", ctypes.c_char * NAME_SIZE)]


class WorkingSet(_Sized):
    """The frames charged to a process; id 0 is the common set. max is NO_MAX where there is none."""
    _fields_ = [("size", _u32), ("flags", _u32), ("cursor", _u64), ("pid", _i32), ("id", _u32),
                *((name, _u64) for name in "min max target charge peak pinned faults refaults near_refaults".split()),
                ("name", ctypes.c_char * NAME_SIZE)]


class Range(_Sized):
    """What became of the pages of a range."""
    _fields_ = [("size", _u32), ("flags", _u32),
                *((name, _u64) for name in "offset length done already written pinned held busy failed".split()),
                ("error", _u32), ("_reserved", _u32), ("promised", _u64)]


class Errors(_Sized):
    _fields_ = [("size", _u32), ("flags", _u32),
                *((name, _u64) for name in "reads writes flushes read_offset write_offset unwritten".split()),
                *((name, _u32) for name in "read_error write_error flush_error _reserved".split())]


_library = None


def _lib():
    """The library, opened when it is first needed: importing works without it."""
    global _library
    if _library is None:
        _library = ctypes.CDLL(os.environ.get("LIBFRAMEPOOL", "libframepool.so.1"))
        _library.framepool_residency.argtypes = [ctypes.c_int, _u64, _u64, ctypes.c_void_p, ctypes.POINTER(_u64)]
        _library.framepool_resize.argtypes = [ctypes.c_int, _u64]
    return _library


def _call(function, *args, about=None):
    """A function of the library; its negative errno raised."""
    result = getattr(_lib(), f"framepool_{function}")(*args)
    if result < 0:
        raise OSError(-result, os.strerror(-result), about)
    return result


class _Descriptor:
    """Owns a descriptor."""

    def __init__(self, fd):
        self._fd = fd

    def fileno(self):
        if self._fd < 0:
            raise ValueError("it is closed")
        return self._fd

    def close(self):
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_fd", -1) >= 0:
            self.close()


class Control(_Descriptor):
    """The control node: pools and spaces come, go and are listed."""

    def __init__(self):
        super().__init__(_call("open", about="/dev/framepool/control"))

    def attach(self, path, name="", *, pool="", read_only=False, direct=False, mode=None, gid=None, block_type=0):
        """Put a file behind /dev/framepool/NAME, or, without a name, return the Space of it."""
        flags = (ATTACH_READ_ONLY * bool(read_only) | ATTACH_DIRECT * bool(direct)
                 | ATTACH_MODE * (mode is not None) | ATTACH_GROUP * (gid is not None))
        attach = Attach(name=name, pool=pool, block_type=block_type, mode=mode or 0, gid=gid or 0, flags=flags)
        _call("attach_path", self.fileno(), os.fsencode(path), ctypes.byref(attach), about=path)
        return None if name else Space(attach.space_fd)

    def detach(self, name):
        """Write everything back and remove the node."""
        _call("detach", self.fileno(), os.fsencode(name), about=name)

    def _all(self, kind, function):
        item = kind()
        while _call(function, self.fileno(), ctypes.byref(item)):
            yield kind.from_buffer_copy(item)

    def spaces(self):
        """What is attached, as SpaceInfo."""
        return list(self._all(SpaceInfo, "next_space"))

    def pools(self):
        """All pools, as PoolInfo."""
        return list(self._all(PoolInfo, "next_pool"))

    def create_pool(self, name, size, *, base=0, node=-1, policy="", working_sets=True):
        """Reserve a region of so many bytes, a multiple of 2 MiB."""
        create = PoolCreate(flags=POOL_ONE_SET * (not working_sets), name=name, bytes=size, base=base, node=node,
                            policy=_encode(policy, POLICY_SIZE))
        _call("pool_create", self.fileno(), ctypes.byref(create), about=name)

    def set_policy(self, pool, policy):
        """Replace the replacement policy of a pool that may be working; "" is the default one."""
        _call("pool_set_policy", self.fileno(), os.fsencode(pool), os.fsencode(policy), about=policy)

    def working_sets(self, pool=""):
        """The working sets of a pool, as WorkingSet; the common one first."""
        found = []
        wset = WorkingSet()
        while _call("next_wset", self.fileno(), os.fsencode(pool), ctypes.byref(wset), about=pool):
            found.append(WorkingSet.from_buffer_copy(wset))
        return found

    def working_set(self, pid=0, pool=""):
        """That of a process, 0 for this one."""
        wset = WorkingSet()
        _call("get_wset", self.fileno(), os.fsencode(pool), pid, ctypes.byref(wset), about=pid)
        return wset

    def limit_working_set(self, pid=0, *, min=0, max=NO_MAX, pool=""):
        """What a process has for sure and what it never exceeds, in frames."""
        _call("limit_wset", self.fileno(), os.fsencode(pool), pid, _u64(min), _u64(max), about=pid)

    def destroy_pool(self, name):
        """Give it back."""
        _call("pool_destroy", self.fileno(), os.fsencode(name), about=name)


class Space(_Descriptor):
    """A descriptor of a space. Offsets and lengths are bytes, multiples of 4096; length 0 is to the end."""

    @classmethod
    def open(cls, name, write=False):
        """Open /dev/framepool/NAME."""
        return cls(_call("open_space", os.fsencode(name), os.O_RDWR if write else os.O_RDONLY, about=name))

    def _ask(self, kind, function):
        answer = kind()
        _call(function, self.fileno(), ctypes.byref(answer))
        return answer

    def info(self):
        """What the space is and what happened to it, as SpaceInfo."""
        return self._ask(SpaceInfo, "space_info")

    def errors(self):
        """What went wrong with its I/O, as Errors."""
        return self._ask(Errors, "errors")

    def _range(self, function, offset, length, flags=0):
        answer = Range(offset=offset, length=length, flags=flags)
        _call(function, self.fileno(), ctypes.byref(answer))
        return answer

    def prefetch(self, offset=0, length=0):
        """Read pages in."""
        return self._range("prefetch", offset, length)

    def evict(self, offset=0, length=0):
        """Write back what is dirty and give the frames back."""
        return self._range("evict", offset, length)

    def sync(self, offset=0, length=0):
        """Write back what is dirty and flush the device."""
        return self._range("sync", offset, length)

    def pin(self, offset=0, length=0):
        """Read pages in and keep them until unpin() or close()."""
        return self._range("pin", offset, length)

    def unpin(self, offset=0, length=0):
        """Let them go."""
        return self._range("unpin", offset, length)

    def hold(self, offset=0, length=0, drop=False):
        """Pin pages and keep what is stored to them from being written."""
        return self._range("hold", offset, length, HOLD_DROP * bool(drop))

    def release(self, offset=0, length=0):
        """Write held pages, flush, hold them no more."""
        return self._range("release", offset, length)

    def residency(self, offset=0, length=0):
        """Which pages are resident: a list of bool."""
        # Never 0: where the end is may have changed since there was room for all up to it.
        length = length or self.info().bytes - offset
        pages = -(-length // mmap.PAGESIZE)
        bits = (ctypes.c_ubyte * max(0, -(-pages // 8)))()
        if pages:
            _call("residency", self.fileno(), offset, length, bits, None)
        return [bool(bits[page // 8] >> page % 8 & 1) for page in range(pages)]

    def resize(self, size):
        """Change the size of the backing file and of the space together."""
        _call("resize", self.fileno(), size)

    def set_block(self, block_type):
        """Pages that are read together: 4 ** (block_type - 1); 0: as the pattern of the faults says."""
        _call("set_block", self.fileno(), block_type)

    def map(self, write=False, private=False):
        """Map all of it. The Space may be closed before the Mapping."""
        return Mapping(self.fileno(), self.info().bytes, write=write, private=private)


class Mapping(mmap.mmap):
    """A mapping of a space: a buffer, and an mmap.mmap in all but its size, which a device cannot tell.

    space   a Space for what a mapping cannot ask, None where the file itself is mapped
    pooled  the mapping goes through a pool
    """

    def __new__(cls, fd, length, *, write=False, private=False):
        prot = mmap.PROT_READ | (mmap.PROT_WRITE if write or private else 0)
        self = super().__new__(cls, fd, length, flags=mmap.MAP_PRIVATE if private else mmap.MAP_SHARED, prot=prot)
        self.space = None
        return self

    @property
    def pooled(self):
        return self.space is not None

    def size(self):
        return len(self)

    def resize(self, newsize):
        raise OSError(errno.EINVAL, "resize the space, and map it again")

    def close(self):
        super().close()
        if self.space is not None:
            self.space.close()

    def __exit__(self, *_):
        self.close()


# No pool is within reach, rather than that this file does not fit one: as framepool_map_file() has it.
_UNREACHABLE = (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EACCES, errno.EPERM)


def _open(path, write):
    return os.open(path, (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC)


def _attach(control, path, write, pool):
    try:
        return control.attach(path, pool=pool, read_only=not write)
    except OSError as e:
        if e.errno != errno.ELOOP:      # a node of framepool already
            raise
    return Space(_open(path, write))


def _map_itself(path, write, private):
    with _Descriptor(_open(path, write)) as file:
        return Mapping(file.fileno(), os.lseek(file.fileno(), 0, os.SEEK_END), write=write, private=private)


def map_file(path, *, write=False, private=False, pool="", fallback=False):
    """Map a whole file through a pool.

    write     stores reach the file
    private   stores are allowed and reach nobody
    fallback  no module (not even behind its node), or no right to it: map the file itself
    """
    if write and private:
        raise ValueError("write and private exclude each other")
    try:
        control = Control()
    except OSError as e:
        if not fallback or e.errno not in _UNREACHABLE:
            raise
        return _map_itself(path, write, private)
    with control:
        space = _attach(control, path, write, pool)
    mapping = space.map(write, private)
    mapping.space = space
    return mapping
