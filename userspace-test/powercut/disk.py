# SPDX-License-Identifier: GPL-2.0-only
"""A disk with a volatile write cache, served to QEMU by the NBD protocol, whose power can be cut.

Killing QEMU alone proves nothing about flushes: what the guest wrote is with the host, and survives. So here a write
goes to the cache, a flush (or a write with FUA) brings what is cached to the medium, and at a power cut each block
that was not flushed meets one of three fates: all of it is lost, all of it was written in time, or each of its
sectors goes its own way, to any of the contents that it had since the last flush. Sectors are never torn: no disk
that an operating system can use does that. Below ext4 they have to be of 4 KiB: half of a superblock (1 KiB), written
when the journal is emptied, does not mount, whoever uses the file system.
"""
import itertools
import os
import socket
import struct
import threading

BLOCK = 4096                    # bytes that mostly share their fate
OLD = 4                         # contents of a sector that are remembered between flushes

# Of the protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
HAS_FLAGS, SEND_FLUSH, SEND_FUA = 1 << 0, 1 << 2, 1 << 3
READ, WRITE, DISCONNECT, FLUSH = range(4)
FUA = 1 << 0
OPTION_ABORT, OPTION_GO = 2, 7
REPLY_ACK, REPLY_INFO, REPLY_UNSUPPORTED = 1, 3, 1 << 31 | 1
EINVAL = 22


class Disk:
    """Medium and cache. Lying: flushes are answered, and done by nobody."""

    def __init__(self, contents, sector, lying=False):
        self._sector = sector
        self._medium = bytearray(contents)
        self._seen = bytearray(contents)
        self._cached = {}       # sector: its contents since the last flush, the newest last
        self._lying = lying
        self.flushes = 0

    def __len__(self):
        return len(self._seen)

    def read(self, offset, length):
        return self._seen[offset:offset + length]

    def write(self, offset, data):
        self._seen[offset:offset + len(data)] = data
        first, last = offset // self._sector, (offset + len(data) - 1) // self._sector
        for sector in range(first, last + 1):
            contents = self._cached.setdefault(sector, [])
            contents.append(self.read(sector * self._sector, self._sector))
            del contents[:-OLD]

    def flush(self):
        self.flushes += 1
        if self._lying:
            return
        for sector, contents in self._cached.items():
            self._put(sector, contents[-1])
        self._cached.clear()

    def cut(self, random):
        """Lose the power; what is on the medium then is the disk. Returns how many sectors were unflushed, and lost."""
        lost = 0
        for _, group in itertools.groupby(sorted(self._cached), key=lambda sector: sector * self._sector // BLOCK):
            fate = random.choice(('lost', 'written', 'torn'))
            for sector in group:
                contents = [None, *self._cached[sector]]
                survivor = contents[0 if fate == 'lost' else -1] if fate != 'torn' else random.choice(contents)
                if survivor is not None:
                    self._put(sector, survivor)
                lost += survivor is not contents[-1]
        unflushed = len(self._cached)
        self._cached.clear()
        self._seen[:] = self._medium
        return unflushed, lost

    def _put(self, sector, data):
        self._medium[sector * self._sector:sector * self._sector + len(data)] = data


class Server:
    """Serves one disk on a UNIX socket, to one QEMU after the other."""

    def __init__(self, disk, path):
        self.disk = disk
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._idle = threading.Condition()
        self._connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def wait_idle(self):
        """Until what a dead QEMU had sent was done: it is with the disk, as it were, and no longer in the air."""
        with self._idle:
            if not self._idle.wait_for(lambda: not self._connections, timeout=30):
                raise RuntimeError('QEMU is dead and its connection is not')

    def _accept(self):
        while True:
            connection, _ = self._listener.accept()
            with self._idle:
                self._connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile('rb') as stream:
                if self._negotiate(connection, stream):
                    while self._request(connection, stream):
                        pass
        except (EOFError, OSError):
            pass
        finally:
            with self._idle:
                self._connections -= 1
                self._idle.notify_all()

    def _negotiate(self, connection, stream):
        connection.sendall(b'NBDMAGICIHAVEOPT' + struct.pack('>H', 1 << 0 | 1 << 1))
        exactly(stream, 4)
        while True:
            _, option, length = struct.unpack('>8sII', exactly(stream, 16))
            exactly(stream, length)
            if option == OPTION_GO:
                export = struct.pack('>HQH', 0, len(self.disk), HAS_FLAGS | SEND_FLUSH | SEND_FUA)
                connection.sendall(option_reply(option, REPLY_INFO, export) + option_reply(option, REPLY_ACK))
                return True
            if option == OPTION_ABORT:
                connection.sendall(option_reply(option, REPLY_ACK))
                return False
            connection.sendall(option_reply(option, REPLY_UNSUPPORTED))

    def _request(self, connection, stream):
        _, flags, command, handle, offset, length = struct.unpack('>IHH8sQI', exactly(stream, 28))
        error, answer = 0, b''
        if command == DISCONNECT:
            return False
        if command == READ:
            answer = self.disk.read(offset, length)
        elif command == WRITE:
            self.disk.write(offset, exactly(stream, length))
        elif command != FLUSH:
            error = EINVAL
        if command == FLUSH or flags & FUA:
            self.disk.flush()
        connection.sendall(struct.pack('>II8s', 0x67446698, error, handle) + answer)
        return True


def option_reply(option, kind, data=b''):
    return struct.pack('>QIII', 0x3e889045565a9, option, kind, len(data)) + data


def exactly(stream, length):
    """A request that the dead did not send whole is none."""
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def make_ext4(path, size):
    """An empty ext4 in a new file; its contents."""
    import subprocess
    subprocess.run(['/sbin/mkfs.ext4', '-q', '-F', '-b', '4096', '-E', 'lazy_itable_init=0,lazy_journal_init=0', path,
                    f'{size // 1024}K'], stdout=subprocess.DEVNULL, check=True)
    with open(path, 'rb') as f:
        contents = f.read()
    os.unlink(path)
    return contents
