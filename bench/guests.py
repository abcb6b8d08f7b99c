# SPDX-License-Identifier: GPL-2.0-only
"""The VMs in which is measured."""
import os
import shlex
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
WORKLOADS = ['randread', 'randwrite1', 'randwrite', 'zipf', 'seqread', 'seqwrite', 'minorread', 'minorwrite', 'msync']
WAYS = ['pool', 'mmap', 'floor']
REGION = '64M'


class Failed(Exception):
    """A guest did not do what it was asked to."""


def fields(line):
    """What `word NAME=VALUE ...` says."""
    return dict(word.split('=', 1) for word in line.split()[1:])


def boot(kernel, command, options, on_line):
    """Run a command in a guest, with the benchmark's programs at hand; on_line sees each line it prints."""
    vm = [f'{TOP}/userspace-test/qemu/vm', '--kernel', kernel, '--size', REGION, '--brd', '300', '--timeout', '3600',
          '--file', f'{TOP}/bench/guest/guest.sh', '--file', f'{TOP}/build/host/bench', '--file', '/sbin/mkfs.ext4',
          '--run', command, *options]
    with subprocess.Popen(vm, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            on_line(line)
    if process.returncode != 0:
        raise Failed(f'the guest ended with status {process.returncode}')


def measure(kernel, backing, workloads, ways, insmod_args='', options=(), symbols=False):
    """Boot a guest under instruction counting; a list of what `bench run` printed, numbers as such, and with symbols the lines
    of its /proc/kallsyms."""
    results, kallsyms = [], []

    def on_line(line):
        if kallsyms or line == 'kallsyms\n':
            return kallsyms.append(line)
        if not line.startswith('result '):
            return print(f'  {line}', end='', file=sys.stderr)
        result = fields(line)
        for name in ('ops', 'clock', 'idle'):
            result[name] = int(result[name])
        result['cost'] = (result['clock'] - result['idle']) / result['ops']
        results.append(result)
        return print(f'  {result["workload"]:<12} {result["way"]:<6}{result["cost"]:>10,.0f}'
                     f'{result["idle"] / result["ops"]:>10,.0f} idle', file=sys.stderr)

    command = f'sh guest.sh {backing} {shlex.quote(" ".join(workloads))} {shlex.quote(" ".join(ways))}'
    if symbols:
        command += ' && echo kallsyms && cat /proc/kallsyms'
    boot(kernel, command, ['--icount', '--insmod-args', insmod_args, *options], on_line)
    return results, kallsyms[1:]
