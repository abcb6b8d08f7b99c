# SPDX-License-Identifier: GPL-2.0-only
"""What a guest that does not end is doing: an NMI makes its kernel show the stack of every task, and panic."""
import json
import re
import socket

# On the kernel's command line. A microvm has no port that says what an NMI is about, and the kernel takes it for a PCI error:
# that one panics by the sysctl only.
APPEND = 'unknown_nmi_panic panic_print=1 sysctl.kernel.panic_on_unrecovered_nmi=1'

# The reason is rate-limited: of two processors one says it, and the other may be the first to panic, and to stop him.
_NMI = re.compile('NMI received for unknown reason|NMI: PCI system error|Kernel panic - not syncing: NMI: ')
_TASK = re.compile(r'task:(?P<name>.*?) +state:(?P<state>\S).* pid:(?P<pid>\d+) .*ppid:(?P<parent>\d+)')
_KTHREADD = '2'
# What may be left over on a stack, registers, bytes of code.
_NOISE = re.compile(r'\] (\s*\? |[RE]\w\w: |Code: |[CF]S: |CR2: )')
_LINES_MAX = 400


def monitor(path):
    """QEMU's options for a monitor that interrupt() talks to."""
    return ['-qmp', f'unix:{path},server=on,wait=off']


def interrupt(path):
    """Send an NMI to the processors. False if QEMU itself does not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(path)
            with connection.makefile('rw', encoding='utf-8') as stream:
                stream.readline()               # the greeting
                for command in 'qmp_capabilities', 'inject-nmi':
                    stream.write(json.dumps({'execute': command}) + '\n')
                    stream.flush()
                    while 'return' not in (answer := json.loads(stream.readline())):
                        if 'error' in answer:
                            return False
        return True
    except (OSError, ValueError):
        return False


def split(log):
    """The log before the NMI, and the stacks after it of whoever is no kernel thread that sleeps."""
    nmi = _NMI.search(log)
    if not nmi:
        return log, []
    start = log.rfind('\n', 0, nmi.start()) + 1
    shown, taking = [], True
    for line in log[start:].splitlines():
        task = _TASK.search(line)
        if task:
            taking = task['state'] in 'RD' or _KTHREADD not in (task['parent'], task['pid'])
        if taking and not _NOISE.search(line):
            shown.append(line)
    return log[:start], shown[:_LINES_MAX]
