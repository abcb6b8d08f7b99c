# SPDX-License-Identifier: GPL-2.0-only
"""Reads TAP and KTAP: counts the leaves, and distrusts whatever is incomplete."""
import re
from dataclasses import dataclass, field

_RESULT = re.compile(r'^(\s*)(ok|not ok)\b\s*(\d+)?\s*(?:- )?(.*?)\s*(?:#\s*(SKIP|TODO)\b\s*(.*))?$', re.IGNORECASE)
_PLAN = re.compile(r'^(\s*)1\.\.(\d+)\s*(?:#\s*(SKIP)\b\s*(.*))?', re.IGNORECASE)
_SUBTEST = re.compile(r'^(\s*)# Subtest: (.*)')


@dataclass
class Failure:
    name: str
    notes: list


@dataclass
class Report:
    passed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)
    ran: set = field(default_factory=set)           # names of tests that were not skipped
    reasons: dict = field(default_factory=dict)     # {name of a test that was skipped: why}

    @property
    def total(self):
        return self.passed + self.skipped + len(self.failures)

    def fail(self, name, *notes):
        self.failures.append(Failure(name, list(notes)))

    def add(self, other):
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures
        self.ran |= other.ran
        self.reasons |= other.reasons

    def skip(self, name, reason):
        self.skipped += 1
        self.reasons[name] = reason or 'no reason given'

    def never_ran(self):
        """[(test, why)] of the tests that were skipped wherever they were to run."""
        return sorted((name, why) for name, why in self.reasons.items() if name not in self.ran)


@dataclass
class _Level:
    """One depth of nesting: what was planned, what was seen, and the name the tests there share."""
    indent: int
    planned: int = None
    seen: int = 0
    failed: int = 0
    name: str = ''


def parse(text, title, program=None):
    """The Report of one TAP or KTAP document. Every level has to keep its plan, and the outermost to have one.

    Failures are called by TITLE, and what ran and what was skipped by PROGRAM, which is the same in every job.
    """
    report = Report()
    levels = []
    notes = []
    last_failure = None

    def level(indent):
        if not levels or levels[-1].indent < indent:
            levels.append(_Level(indent))
        return levels[-1]

    def name_of(test, first=title):
        return ': '.join([first] + [lv.name for lv in levels if lv.name] + [test])

    def close(lv, name):
        if lv.planned != lv.seen:
            planned = 'no plan' if lv.planned is None else f'{lv.planned} planned'
            report.fail(name, f'{planned}, {lv.seen} reported')
            lv.failed += 1

    for line in text.splitlines():
        if m := _PLAN.match(line):
            while levels and levels[-1].indent > len(m[1]):
                close(levels.pop(), name_of('its tests'))
            if levels and levels[-1].indent == len(m[1]) and levels[-1].planned is not None:
                close(levels.pop(), name_of('its tests'))       # one document after another
            level(len(m[1])).planned = int(m[2])
            if m[3] and m[2] == '0':
                report.skip(name_of('all', program or title), m[4])
        elif m := _SUBTEST.match(line):
            level(len(m[1])).name = m[2]
        elif m := _RESULT.match(line):
            indent, good, test, directive = len(m[1]), m[2] == 'ok', m[4] or f'test {m[3]}', (m[5] or '').upper()
            inner = None
            while levels and levels[-1].indent > indent:
                inner = levels.pop()
                close(inner, name_of(test))
            lv = level(indent)
            lv.seen += 1
            last_failure = None
            if inner is not None and (good or inner.failed):
                lv.failed += not good or inner.failed > 0       # the leaves were counted
            elif directive:
                report.skip(name_of(test, program or title), m[6])
            elif good:
                report.passed += 1
                report.ran.add(name_of(test, program or title))
            else:
                lv.failed += 1
                report.ran.add(name_of(test, program or title))
                report.fail(name_of(test), *notes[-30:])
                last_failure = report.failures[-1]
            notes = []
        elif line.startswith('Bail out!'):
            report.fail(name_of('bailed out'), line)
        elif line.strip() and 'TAP version' not in line:
            # What stands before a result belongs to it; indented or commented lines after a failure do as well.
            notes.append(line)
            if last_failure and line.lstrip().startswith('#') and len(last_failure.notes) < 60:
                last_failure.notes.append(line)
    while levels:
        close(levels.pop(), title)
    if report.ran:
        report.ran.add(name_of('all', program or title))
    return report
