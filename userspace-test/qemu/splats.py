# SPDX-License-Identifier: GPL-2.0-only
"""What in a kernel's log means that something is broken."""
import re

BEGIN = 'framepool-vm: begin'

_RACE = 'BUG: KCSAN:'
_RACE_END = '=' * 66
_RACE_ACCESS = re.compile(r'\] (read|write|assert).* to 0x[0-9a-f]+ of \d+ bytes by ')
_RACE_FRAME = re.compile(r'\]  \S+\+0x[0-9a-f]+/0x')
# As the kernel writes an address in a module; a program of that name is none.
_OURS = re.compile(r'\[framepool(_kunit)?\]')
# Functions from the access outwards: a helper's access is its caller's, or his caller's. What a file system does to its own
# when we call it is not.
_NEAR = 3

_SPLAT = re.compile('|'.join([
    r'WARNING:',
    r'\bBUG:',
    r'kernel BUG at',
    r'Oops:',
    r'general protection',
    r'unable to handle',
    r'Kernel panic',
    r'KASAN:',
    r'KCSAN:',
    r'UBSAN:',
    r'possible circular locking',
    r'possible recursive locking',
    r'possible irq lock inversion',
    r'inconsistent lock state',
    r'bad unlock balance',
    r'held lock freed',
    r'still has locks held',
    r'lock held when returning to user space',
    r'suspicious RCU',
    r'rcu: INFO:',
    r'INFO: task .* blocked',
    r'INFO: trying to register non-static key',
    r'soft lockup',
    r'hard LOCKUP',
    r'workqueue lockup',
    r'sleeping function called',
    r'scheduling while atomic',
    r'unreferenced object',
    r'refcount_t:',
    r'ODEBUG:',
    r'Bad page',
    r'bad: scheduling',
    r'list_(add|del) corruption',
    r'page_table_check',
    r'page allocation failure',
    r'Out of memory: Killed',
    r'Objects remaining in',
    r'Call Trace',
]))


def _is_others_race(lines, at):
    """Is it the head of a report of KCSAN's of which neither access is ours?"""
    if _RACE not in lines[at]:
        return False
    stacks = []
    for line in lines[at:]:
        if line.endswith(_RACE_END):
            break
        if _RACE_ACCESS.search(line):
            stacks.append([])
        elif stacks and _RACE_FRAME.search(line):
            stacks[-1].append(line)
    whole = len(stacks) == 2 and all(stacks)
    return whole and not any(_OURS.search(line) for stack in stacks for line in stack[:_NEAR])


def find(log, before=2, after=40, limit=3):
    """Excerpts of the log's splats from where our init takes over; where it never does, from the boot's, which say why."""
    lines = log[max(log.find(BEGIN), 0):].splitlines()
    excerpts, at = [], 0
    while at < len(lines) and len(excerpts) < limit:
        if _SPLAT.search(lines[at]) and not _is_others_race(lines, at):
            excerpts.append('\n'.join(lines[max(at - before, 0):at + after]))
            at += after
        else:
            at += 1
    return excerpts
