# SPDX-License-Identifier: GPL-2.0-only
"""What was measured: rows of figures, tables of them, and the files they are kept in."""
import csv
import functools
import os
import subprocess
import time

COLUMNS = ['kernel', 'workload', 'backing', 'path', 'ours', 'mmap', 'ratio', 'floor']
KEY = COLUMNS[:4]
HISTORY_COLUMNS = ['date', 'commit'] + COLUMNS


def rows(kernel, backing, results):
    """One row for each workload and path; what was not measured is ''."""
    cost = {(r['workload'], r['way']): r['cost'] for r in results}
    path = {(r['workload'], r['way']): r['path'] for r in results}
    made = []
    for workload in dict.fromkeys(r['workload'] for r in results):
        mmap, floor = (cost.get((workload, way), '') for way in ('mmap', 'floor'))
        ways = [way for way in ('pool', 'direct') if (workload, way) in cost]
        for way in ways or ['pool']:
            row = {'kernel': kernel, 'workload': workload, 'backing': backing, 'path': path.get((workload, way), '-'),
                   'ours': cost.get((workload, way), ''), 'mmap': mmap, 'ratio': '', 'floor': floor}
            made.append({**row, 'ratio': ratio(row)})
    return made


def ratio(row):
    return float(row['ours']) / float(row['mmap']) if row['ours'] and row['mmap'] else ''


def key(row):
    return tuple(row[name] for name in KEY)


def rounded(row):
    """A row as it is written."""
    return {name: value if not isinstance(value, float) else round(value, 4 if name == 'ratio' else 1)
            for name, value in row.items()}


def git(*args):
    """What git says of this tree, or None if it fails."""
    top = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    ran = subprocess.run(['git', '-C', top, *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return None if ran.returncode else ran.stdout.strip()


def commit():
    """What is measured, by git's name; + after it if there are changes, but for results, that are not committed."""
    changes = git('status', '--porcelain', '--untracked-files=no', '--', ':/', ':!/bench/results')
    return f'{git("rev-parse", "--short", "HEAD") or "unknown"}{"+" if changes else ""}'


@functools.cache
def same_programs(name):
    """Were the programs that are measured the same at a commit?"""
    return git('diff', '--quiet', name.rstrip('+'), '--', ':/bench/guest') is not None


def read(path):
    """The rows of a file, none if it is not there."""
    if not os.path.exists(path):
        return []
    with open(path, encoding='ascii', newline='') as f:
        return list(csv.DictReader(f))


def write(path, columns, rows):
    with open(path, 'w', encoding='ascii', newline='') as f:
        writer = csv.DictWriter(f, columns, lineterminator='\n')
        writer.writeheader()
        writer.writerows(rows)


def replace(path, columns, keys, new):
    """Put new rows in the place of those with the same keys; all rows, then."""
    rows = {tuple(row[k] for k in keys): row for row in [*read(path), *map(rounded, new)]}
    write(path, columns, rows.values())
    return rows


class History:
    """latest.csv and history.csv of a directory."""

    def __init__(self, directory):
        self._latest = f'{directory}/latest.csv'
        self._history = f'{directory}/history.csv'
        self._last = {key(row): row for row in read(self._latest)}
        self._commit = commit()

    def latest(self):
        """The newest row of each workload."""
        return read(self._latest)

    def all(self):
        """Every row there ever was."""
        return read(self._history)

    def _still_holds(self, last, name):
        """Is a figure of plain mmap's, or the floor, one of the programs as they are? It stands where it was measured first."""
        for row in self.all():
            if all(row[k] == last[k] for k in KEY[:3]) and row[name] == last[name]:
                return same_programs(row['commit'])
        return False

    def complete(self, row):
        """The row, with what was left out this time as it was the last time: plain mmap does not change."""
        for last in self._last.values():
            if all(last[name] == row[name] for name in KEY[:3]):
                row = {**row, **{name: float(last[name]) for name in ('mmap', 'floor')
                                 if row[name] == '' and last[name] and self._still_holds(last, name)}}
        return {**row, 'ratio': ratio(row)}

    def before(self, row):
        """What ours was in the run before, or None."""
        last = self._last.get(key(row), {}).get('ours')
        return float(last) if last else None

    def add(self, new):
        """Put new rows in the place of those of the same workload, and at the end of the history. What has no figure of
        ours is not kept."""
        new = [row for row in new if row['ours'] != '']
        replace(self._latest, COLUMNS, KEY, new)
        stamp = {'date': time.strftime('%Y-%m-%dT%H:%M:%S'), 'commit': self._commit}
        write(self._history, HISTORY_COLUMNS, [*self.all(), *({**stamp, **rounded(row)} for row in new)])


def table(new, history):
    """The rows for people, with how ours has changed since the run before."""
    def number(value):
        return f'{value:,.0f}' if value != '' else '-'

    def change(row):
        before = history.before(row)
        return f'{row["ours"] / before - 1:+.1%}' if before and row['ours'] != '' else ''

    lines = [f'{"kernel":<7}{"backing":<10}{"workload":<12}{"path":<8}{"ours":>9}{"mmap":>9}{"ratio":>8}{"floor":>9}'
             f'{"before":>9}']
    for row in new:
        ratio = f'{row["ratio"]:.1%}' if row['ratio'] != '' else '-'
        lines.append(f'{row["kernel"]:<7}{row["backing"]:<10}{row["workload"]:<12}{row["path"]:<8}'
                     f'{number(row["ours"]):>9}{number(row["mmap"]):>9}{ratio:>8}{number(row["floor"]):>9}'
                     f'{change(row):>9}')
    return '\n'.join(lines)
