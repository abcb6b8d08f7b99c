# SPDX-License-Identifier: GPL-2.0-only
"""What in a kernel's log means that something is broken."""
import re

BEGIN = 'framepool-vm: begin'

_RACE = 'BUG: KCSAN:'
_RACE_END = '=' * 66
_RACE_ACCESS = re.compile(r'\] (read|write|assert).* to 0x[0-9a-f]+ of \d+ bytes by ')
_RACE_FRAME = re.compile(r'\]  (\S+)\+0x[0-9a-f]+/0x')
# As the kernel writes an address in a module; a program of that name is none.
_OURS = re.compile(r'\[framepool(_kunit)?\]')
# Functions from the access outwards: a helper's access is its caller's, or his caller's. What a file system does to its own
# when we call it is not.
_NEAR = 3
# Core mm takes the number of a page's node from the word of its flags, by a plain load: those bits never change, and whoever
# changes others does so by atomic operations, ours and the kernel's own (mpage_prepare_extent_to_map) alike.
_READS_NODE = ('__lruvec_stat_mod_folio',)
# Whoever opens a file asks for flags of its inode by plain loads, without its lock. We change one, by an atomic operation.
_SETS_FLAG = ('inode_set_flags',)

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


def _function(stack):
    return _RACE_FRAME.search(stack[0])[1]


def _is_finding(access, other):
    """Is an access, a line and its stack, ours, and no explanation known of its race with the other one?"""
    line, stack = access
    if not any(_OURS.search(frame) for frame in stack[:_NEAR]):
        return False
    others_line, others_stack = other
    explained = _function(others_stack) in _READS_NODE or _function(stack) in _SETS_FLAG
    return not ('(marked)' in line and '] read to ' in others_line and explained)


def _is_no_finding(lines, at):
    """Is it the head of a report of KCSAN's that says nothing of us?"""
    if _RACE not in lines[at]:
        return False
    accesses = []
    for line in lines[at:]:
        if line.endswith(_RACE_END):
            break
        if _RACE_ACCESS.search(line):
            accesses.append((line, []))
        elif accesses and _RACE_FRAME.search(line):
            accesses[-1][1].append(line)
    if len(accesses) != 2 or not all(stack for _, stack in accesses):
        return False
    first, second = accesses
    return not _is_finding(first, second) and not _is_finding(second, first)


def find(log, before=2, after=40, limit=3):
    """Excerpts of the log's splats from where our init takes over; where it never does, from the boot's, which say why."""
    lines = log[max(log.find(BEGIN), 0):].splitlines()
    excerpts, at = [], 0
    while at < len(lines) and len(excerpts) < limit:
        if _SPLAT.search(lines[at]) and not _is_no_finding(lines, at):
            excerpts.append('\n'.join(lines[max(at - before, 0):at + after]))
            at += after
        else:
            at += 1
    return excerpts
