# SPDX-License-Identifier: GPL-2.0-only
"""Initramfs images, written as cpio archives without root.

An image is two archives, one after the other, as the kernel allows: the base (shells, busybox, a kernel's modules), made
once per kernel and kept in the cache, and what one run adds.
"""
import lzma
import os
import re
import shutil
import stat
import subprocess
import tempfile

# What the guest may want; with all that they depend on. Those that a kernel has built in or lacks are left out.
MODULES = '''virtio_mmio virtio_pci virtio_blk virtio_console virtio_rng virtiofs brd loop null_blk nbd configfs
    dm_mod dm_flakey dm_delay dm_dust dm_log_writes dm_snapshot dm_integrity kvm_amd kvm_intel overlay xfs btrfs fuse nfs nfsv3 nfsv4 nfsd
    nvme_tcp nvmet nvmet_tcp nvme_loop crc32c_generic crc32c_intel libcrc32c
    xts cts ecb sha512_generic nd_e820 nd_pmem'''.split()


class Archive:
    """A newc cpio archive that grows in memory."""

    def __init__(self):
        self._parts = []
        self._names = set()

    def _entry(self, name, mode, data=b'', device=(0, 0)):
        if name in self._names:
            return
        self._names.add(name)
        parent = os.path.dirname(name)
        if parent:
            self._entry(parent, stat.S_IFDIR | 0o755)
        fields = (len(self._names), mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        head = b'070701' + b''.join(b'%08X' % f for f in fields) + os.fsencode(name) + b'\0'
        self._parts += [head, bytes(-len(head) % 4), data, bytes(-len(data) % 4)]

    def directory(self, name):
        self._entry(name, stat.S_IFDIR | 0o755)

    def data(self, name, data, mode=0o644):
        self._entry(name, stat.S_IFREG | mode, data)

    def file(self, name, path, mode=None):
        with open(path, 'rb') as f:
            self.data(name, f.read(), mode or stat.S_IMODE(os.stat(path).st_mode))

    def link(self, name, target):
        self._entry(name, stat.S_IFLNK | 0o777, os.fsencode(target))

    def device(self, name, major, minor):
        self._entry(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def program(self, name, path):
        """A program or script with what it needs to run: shared libraries, or the interpreter."""
        self.file(name, path, 0o755)
        with open(path, 'rb') as f:
            head = f.read(256)
        if head.startswith(b'\x7fELF'):
            self._libraries(path)
        elif m := re.match(rb'#!\s*(?:/usr/bin/env\s+)?(\S+)', head):
            interpreter = os.path.basename(os.fsdecode(m[1]))
            found = shutil.which(interpreter)
            if interpreter not in ('sh', 'bash', 'busybox') and found:
                self.program(f'usr/bin/{interpreter}', os.path.realpath(found))
                self.link(f'bin/{interpreter}', f'/usr/bin/{interpreter}')

    def _libraries(self, path):
        listed = subprocess.run(['ldd', path], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r'(?:=> |^\s*)(/\S+)', listed, re.MULTILINE):
            self.file(library.lstrip('/'), library, 0o755)

    def tree(self, name, path):
        """A file, or a directory with all that is in it; whatever may be executed is carried as a program."""
        if os.path.isdir(path):
            self.directory(name)
            for child in sorted(os.listdir(path)):
                self.tree(f'{name}/{child}', os.path.join(path, child))
        elif os.access(path, os.X_OK):
            self.program(name, path)
        else:
            self.file(name, path)

    def bytes(self):
        self._entry('TRAILER!!!', 0)
        return b''.join(self._parts)


def _module_files(kernel_dir, release):
    """Paths, below the kernel's directory, of MODULES and all that they depend on."""
    prefix = os.path.join(kernel_dir, '')
    files = set()
    for module in MODULES:
        listed = subprocess.run(['/sbin/modprobe', '-q', '-S', release, '-d', kernel_dir, '-D', module],
                                capture_output=True, text=True, check=False).stdout
        for path in re.findall(r'^insmod (\S+)', listed, re.MULTILINE):
            files.add(os.path.normpath(path).removeprefix(prefix))
    return sorted(files)


def _stage_modules(archive, kernel_dir, release):
    with tempfile.TemporaryDirectory() as stage:
        for path in _module_files(kernel_dir, release):
            target = os.path.join(stage, path.removesuffix('.xz'))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            opener = lzma.open if path.endswith('.xz') else open
            with opener(os.path.join(kernel_dir, path), 'rb') as src, open(target, 'wb') as dst:
                shutil.copyfileobj(src, dst)
        lists = os.path.join(stage, 'lib/modules', release)
        os.makedirs(lists, exist_ok=True)
        for name in ('modules.builtin', 'modules.order', 'modules.builtin.modinfo'):
            shutil.copy(os.path.join(kernel_dir, 'lib/modules', release, name), lists)
        subprocess.run(['/sbin/depmod', '-b', stage, release], check=True)
        archive.tree('lib', os.path.join(stage, 'lib'))


def base(kernel_dir, release, busybox='/bin/busybox'):
    """The base archive for a kernel: shells, busybox's applets, modules, empty directories."""
    archive = Archive()
    for name in ('dev', 'proc', 'sys', 'tmp', 'run', 'mnt', 'root', 'etc', 'files', 'lib/framepool', 'var'):
        archive.directory(name)
    archive.device('dev/console', 5, 1)
    archive.device('dev/null', 1, 3)
    archive.file('bin/busybox', busybox, 0o755)
    # Not busybox's own shell: it takes an applet before a carried program of the same name, whatever PATH says.
    archive.program('bin/sh', os.path.realpath('/bin/sh'))
    archive.program('bin/bash', os.path.realpath('/bin/bash'))
    for applet in subprocess.run([busybox, '--list-full'], capture_output=True, text=True, check=True).stdout.split():
        archive.link(applet, '/bin/busybox')
    archive.data('etc/passwd', b'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n')
    archive.data('etc/group', b'root:x:0:\nnogroup:x:65534:\n')
    _stage_modules(archive, kernel_dir, release)
    return archive.bytes()
