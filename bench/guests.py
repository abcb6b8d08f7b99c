# SPDX-License-Identifier: GPL-2.0-only
"""The VMs in which is measured."""
import os
import shlex
import signal
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
WORKLOADS = ['randread1', 'randread', 'randwrite1', 'randwrite', 'zipf', 'seqread1', 'seqread', 'seqwrite1', 'seqwrite',
             'minorread', 'minorwrite', 'msync']
WAYS = ['pool', 'direct', 'mmap', 'floor']
REGION = '64M'
CARRIED = [f'{TOP}/bench/guest/count.sh', f'{TOP}/bench/guest/live.sh', f'{TOP}/bench/guest/common.sh',
           f'{TOP}/build/host/bench', '/sbin/mkfs.ext4']


class Failed(Exception):
    """A guest did not do what it was asked to."""


def fields(line):
    """What `word NAME=VALUE ...` says, numbers as such."""
    pairs = (word.split('=', 1) for word in line.split()[1:])
    return {name: int(value) if value.isdecimal() else value for name, value in pairs}


def stop_with_us():
    """Be ended by SIGTERM as by an exception, so that the guest ends, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def boot(kernel, command, options, files=()):
    """Run a command in a guest, with the benchmark's programs at hand; yields the lines that it prints."""
    vm = [f'{TOP}/userspace-test/qemu/vm', '--kernel', kernel, '--size', REGION, '--timeout', '3600', '--run', command,
          *options]
    for path in [*CARRIED, *files]:
        vm += ['--file', path]
    with subprocess.Popen(vm, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield from process.stdout
        finally:
            if sys.exc_info()[0]:
                process.terminate()
    if process.returncode != 0:
        raise Failed(f'the guest ended with status {process.returncode}')


def progress(text):
    print(text.rstrip('\n'), file=sys.stderr, flush=True)


def count(kernel, backing, workloads, ways, insmod_args='', options=(), symbols=False, whatif=False):
    """Boot a guest under instruction counting; a list of what `bench run` printed, each with its cost per operation, and
    with symbols the lines of the guest's /proc/kallsyms. With whatif the pool says what others would miss."""
    results, kallsyms = [], []
    command = f'sh count.sh {backing} {shlex.quote(" ".join(workloads))} {shlex.quote(" ".join(ways))}'
    if whatif:
        command = f'echo 1 > /sys/kernel/framepool/default/whatif && {command}'
    if symbols:
        command += ' && echo kallsyms && cat /proc/kallsyms'
    for line in boot(kernel, command, ['--icount', '--brd', '300', '--insmod-args', insmod_args, *options]):
        if kallsyms or line == 'kallsyms\n':
            kallsyms.append(line)
        elif line.startswith('result '):
            result = fields(line)
            result['cost'] = (result['clock'] - result['idle']) / result['ops']
            results.append(result)
            progress(f'  {result["workload"]:<12} {result["way"]:<6}{result["cost"]:>10,.0f}'
                     f'{result["idle"] / result["ops"]:>10,.0f} idle')
        else:
            progress(f'  {line}')
    return results, kallsyms[1:]
