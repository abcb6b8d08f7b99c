# SPDX-License-Identifier: GPL-2.0-only
"""The table of test suites: the one place to add to."""
import os
from dataclasses import dataclass, replace


@dataclass
class Suite:
    """One suite; it becomes one job for each of its kernels, or a single one on the host."""
    name: str
    # On the host a shell command in the tree's top that prints TAP. In a VM one or several, run one after the other.
    commands: list
    kernels: tuple = ()             # none: on the host
    files: tuple = ()               # carried into the VM, from the tree's top
    options: tuple = ()             # more options of `vm`
    timeout: int = 300              # seconds, on a stock kernel or the host
    long: bool = False              # only by run-tests --long
    whole: bool = False             # the programs do not divide their work; with sanitizers less than else


STOCK = ('6.1', '6.12')
ALL = (*STOCK, 'test')
# KASAN, lockdep and KCSAN make everything slower.
SANITIZED = ('test', 'test-6.1', 'kcsan')

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
ABI = 'build/host/abi'
FUZZ = 'build/host/fuzz/device'
FUZZ_MILLION = 'device/fuzz --ops 1000000 --minimise 1200'
TORTURE = 'build/host/torture'
# What test programs in shell begin with.
TAP = 'userspace-test/harness/tap.sh'
# /mnt is no disk, but memory.
IN_RAM = ('--mnt-ram', '--brd=512')
# Persistent memory, for DAX.
PMEM = ('--append=memmap=32M!0x30000000',)
# What counts written pages, and has the pool that is there after loading.
UNCLEANED = '--insmod-args=clean_ms=0'
# What they expect of looks is what those find out while a fault takes its time, as a disk's do.
TIMED = ('record', 'whatif')
# They need the kernel's fault injection.
INJECTED = ('sweep', 'nomem')
# Not among the others of that folder.
APART = (*INJECTED, 'loading')
# What asks for memory of all kinds, where that fails too, and gives it back in all ways.
LEAKING = ('share', 'sweep', 'hold', 'prefetch', 'policy', 'whatif', 'record', 'direct', 'unload')
REMOTE = ('nvme', 'nfs', 'nbd')
MKFS = ('/usr/sbin/mkfs.ext4', '/usr/sbin/mkfs.xfs', '/usr/sbin/mkfs.btrfs')


def programs(where, without=()):
    """The built programs of a directory, as the guest calls them."""
    path = os.path.join(TOP, where)
    names = sorted(os.listdir(path)) if os.path.isdir(path) else []
    return [f'{os.path.basename(where)}/{name}' for name in names if '.' not in name and name not in without]


def cleaned(program):
    """How a program is called whose pools are cleaned all the time: not the one that wants dirty pages to stay dirty."""
    return program if program.endswith('/behind') else f'FPOOL_CLEAN=100 {program}'


def power_cuts(cuts):
    """As many on each stock kernel."""
    return [f'userspace-test/powercut/powercut --cuts {cuts} --kernel {kernel}' for kernel in STOCK]


def parts(suite, each):
    """The suite as several ones of EACH commands: a long run that is interrupted loses one of them and not all."""
    for first in range(0, len(suite.commands), each):
        yield replace(suite, name=f'{suite.name}.{first // each + 1}', commands=suite.commands[first:first + each])


SUITES = [
    Suite('parser', ['userspace-test/harness/selftest parser']),
    Suite('soak', ['userspace-test/harness/selftest soak']),
    Suite('vm', ['userspace-test/harness/selftest vm']),
    Suite('core', ['make -s -C userspace-test/core check']),
    # OPT against models; bad input, names and mixes of the simulator; what the default policy is worth.
    Suite('policy', ['make -s -C userspace-test/policy check', 'userspace-test/policy/policy.sh',
                     'userspace-test/policy/figures.sh']),
    Suite('fuzz-core', ['make -s -C userspace-test/fuzz/core check']),
    Suite('fuzz-core-long', ['make -s -C userspace-test/fuzz/core long MINUTES=5'], timeout=2700, long=True),
    Suite('kunit', ['insmod /lib/framepool/framepool_kunit.ko && cat /sys/kernel/debug/kunit/*/results'],
          kernels=('test',)),
    Suite('fuzz', ['device/malformed', 'device/fuzz --ops 200000'], kernels=('test',), timeout=500, files=(FUZZ,)),
    Suite('malformed', ['device/malformed'], kernels=STOCK, files=(FUZZ,)),
    # Ten million operations where KASAN and lockdep look on, each million with a seed of its own.
    *parts(Suite('fuzz-long', [FUZZ_MILLION] * 10, kernels=('test',), timeout=3600, files=(FUZZ,), long=True), 1),
    Suite('fuzz-long', [FUZZ_MILLION], kernels=STOCK, timeout=3600, files=(FUZZ,), long=True),
    # Disks cost most of the time of an emulated machine; torture, power cuts and fuzz have one.
    Suite('abi', programs(ABI, without=(*APART, *TIMED)), kernels=STOCK, timeout=900, files=(ABI, *MKFS),
          options=(*IN_RAM, *PMEM)),
    Suite('abi-disk', [f'abi/{name}' for name in TIMED], kernels=STOCK, timeout=900, files=(ABI, *MKFS)),
    Suite('abi', programs(ABI, without=APART), kernels=('test',), timeout=1800, files=(ABI, *MKFS), options=IN_RAM),
    *parts(Suite('abi-long', [f'FPOOL_LIMIT=1200 {p}' for p in programs(ABI, without=APART)],
                 kernels=STOCK, timeout=3600, files=(ABI, *MKFS), long=True, whole=True, options=PMEM), 5),
    Suite('sweep', [f'abi/{name}' for name in INJECTED], kernels=('test',), timeout=600, files=(ABI,), options=IN_RAM),
    Suite('loading', ['abi/loading'], kernels=('test',), timeout=600, files=(ABI,), options=IN_RAM),
    Suite('torture', [cleaned(p) for p in programs(TORTURE)], kernels=ALL, timeout=300, files=(TORTURE, *MKFS)),
    # A region in ZONE_MOVABLE would be migrated for each long-term pin, in vain and for ever: here is such a zone.
    Suite('movable', ['torture/uring'], kernels=STOCK, files=(TORTURE, *MKFS), options=('--append=movablecore=256M',)),
    # Each run has a seed of its own.
    *parts(Suite('torture-long', [f'FPOOL_LIMIT=1200 {cleaned(p)}' for p in programs(TORTURE) for _ in range(3)],
                 kernels=ALL, timeout=3600, files=(TORTURE, *MKFS), long=True, whole=True), 5),
    # 64 MiB at 512 MiB are hidden from the kernel, for base=.
    Suite('load', ['sh abi/load.sh'], kernels=ALL, files=(ABI,), timeout=600,
          options=('--no-module', '--append=memmap=64M$0x20000000')),
    Suite('cycles', ['sh abi/cycles.sh'], kernels=STOCK, files=(ABI,), timeout=3600, long=True, options=('--no-module',)),
    # Each takes three seconds of a processor there.
    Suite('cycles', ['COUNT=200 sh abi/cycles.sh'], kernels=('test',), files=(ABI,), timeout=3600, long=True,
          options=('--no-module',)),
    # What is left after use and unloading, by kmemleak: of what has failed, too.
    Suite('leak', [f'abi/{name}' for name in LEAKING], kernels=('test',), files=(ABI, *MKFS), timeout=600,
          options=(*IN_RAM, '--kmemleak')),
    # A region of 1 GiB.
    Suite('large', ['abi/debugfs "memory that is not for pages: 1 GiB"'], kernels=STOCK, files=(ABI,), options=('--mem=4G',)),
    Suite('powercut', [*power_cuts(5), 'userspace-test/powercut/powercut --lying'], timeout=600),
    Suite('powercuts', power_cuts(50), timeout=3600, long=True),
    Suite('powercuts-test', ['userspace-test/powercut/powercut --cuts 5 --kernel test'], timeout=1800, long=True),
    Suite('tools', ['build/host/test-tools', 'userspace-test/tools/completion.sh build/host']),
    # Above the library: what these ask of the module abi asks on every kernel, so each is on one of them, and in the long
    # run on the other. Each unloads the module at its end.
    Suite('command', ['test-lib /mnt', 'sh command.sh'], kernels=('6.12',), timeout=600, options=('--size=32M', UNCLEANED),
          files=('build/host/test-lib', 'build/host/helper', 'userspace-test/tools/command.sh', TAP,
                 '/usr/sbin/dmsetup', '/usr/bin/zstd', '/lib/terminfo/l/linux:terminfo/l/linux')),
    Suite('python', ['python-vm/python test-python.py /mnt'], kernels=('6.1',), options=('--size=16M', UNCLEANED),
          files=('build/host/python-vm', 'userspace-test/python/test-python.py')),
    Suite('run', ['sh run.sh'], kernels=('6.1',), options=('--size=32M', UNCLEANED),
          files=('build/host/run', 'build/host/libframepool-preload.so', 'build/host/python-vm', 'userspace-test/run/run.sh', TAP)),
    # By udev, which neither an emulated machine nor a chroot has running.
    Suite('udev', ['sh udev.sh'], kernels=('6.12',), options=('--size=8M',),
          files=('userspace-test/system/udev.sh', 'packaging/system/60-framepool.rules', '/bin/udevadm', '/usr/bin/setpriv', TAP)),
    # Waiting for servers that do not come takes its time. NBD leaves a space that cannot be written.
    Suite('remote', [f'sh remote.sh {kind}' for kind in REMOTE], kernels=STOCK, options=('--size=16M',), timeout=900, long=True,
          files=('build/host/remote', 'userspace-test/remote/remote.sh', TAP)),
    # In a chroot, which has to be made the first time.
    Suite('packages', ['scripts/build-deb > /dev/null && userspace-test/packages/chroot-test'], timeout=1200, long=True),
    Suite('examples', ['sh examples.sh'], kernels=('6.12',), options=('--size=8M', UNCLEANED),
          files=('build/host/examples', 'build/host/python-vm', 'userspace-test/examples/examples.sh', TAP)),
]

def on(kernel, suite):
    """The suite on another kernel, in the long run: nothing else needs that kernel built. KCSAN takes minutes for a program."""
    long = replace(suite, kernels=(kernel,), long=True)
    return parts(long, 8) if len(suite.commands) > 8 else [long]


SUITES += [part for suite in SUITES if suite.name in ('command', 'examples', 'udev') for part in on('6.1', suite)]
SUITES += [part for suite in SUITES if suite.name in ('python', 'run') for part in on('6.12', suite)]
# What runs on the test kernel in every run, runs on the others with sanitizers, too; only the first two have kmemleak.
COMMAND = [suite for suite in SUITES if suite.name == 'command' and not suite.long]
ON_TEST = [suite for suite in SUITES if 'test' in suite.kernels and not suite.long] + COMMAND
SUITES += [part for suite in COMMAND for part in on('test', suite)]
# Lockdep looks on at all that stock kernels run.
SUITES += [part for suite in SUITES if suite.name in ('python', 'run', 'examples', 'udev', 'movable') and not suite.long
           for kernel in ('test', 'test-6.1') for part in on(kernel, suite)]
# It has no IPv6, at which nbd-server listens, and its nfsd does without what stock kernels have to begin with.
SUITES += [replace(suite, kernels=('test',), commands=suite.commands[:1]) for suite in SUITES if suite.name == 'remote']
WITHOUT_LEAK = [suite for suite in ON_TEST if suite.name != 'leak']
# Only 6.12 can tell whose an allocation is.
SUITES += [part for suite in ON_TEST if suite.name != 'loading' for part in on('test-6.1', suite)]
# KUnit is one thread, and so is a load, and a race needs two; watched by KCSAN they would take an hour, and a quarter of one.
SUITES += [part for suite in WITHOUT_LEAK if suite.name not in ('kunit', 'loading') for part in on('kcsan', suite)]
# `make coverage`: the same, where gcov counts.
COVERAGE = [replace(suite, kernels=('gcov',)) for suite in WITHOUT_LEAK]
