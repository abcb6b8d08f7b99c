# SPDX-License-Identifier: GPL-2.0-only
"""What a long run has behind it: it takes longer than one sitting, and goes on where it was left.

A job that passed is written down, with the code and the kernels that it ran on; as long as both are the same it is not
run again. The code is the commit without its pages (docs/, *.md): what is written about a long run does not undo it. What a
tree with changes to its code was built from nobody knows: there nothing is written down, and nothing believed.
"""
import collections
import hashlib
import json
import os
import re
import subprocess
import time
from dataclasses import asdict, dataclass, field

# A program says on such a line how much it did: `# tried: 1000 cycles`.
_TRIED = re.compile(r'^# tried: (\d+) (\S.*?)\s*$', re.MULTILINE)
# What is code: all but the pages, as pathspecs of git.
_CODE = ('.', ':!docs', ':!*.md')


@dataclass
class Row:
    """How one job ended."""
    passed: int
    failed: int
    skipped: int
    seconds: float
    tried: dict = field(default_factory=dict)       # unit: how many
    date: str = ''


def tried(text):
    """{unit: how many} from all that a job printed."""
    sums = collections.Counter()
    for count, unit in _TRIED.findall(text):
        sums[unit] += int(count)
    return dict(sums)


def _git(top, *args):
    return subprocess.run(['git', '-C', top, *args], capture_output=True, text=True, check=False).stdout.strip()


class Ledger:
    """The jobs that passed: a file for each in a directory."""

    def __init__(self, top, directory, fresh=False):
        self.top = top
        self.directory = directory
        self.code = self._code()
        self._kernels = {}
        os.makedirs(directory, exist_ok=True)
        if fresh:
            for name in (n for n in os.listdir(directory) if n.endswith('.json')):
                os.unlink(os.path.join(directory, name))

    def _code(self):
        """What tells this code from other code, or None where it is not what was committed."""
        if _git(self.top, 'status', '--porcelain', '--', *_CODE):
            return None
        # git ls-files knows such pathspecs, git ls-tree does not; in a clean tree both list the same.
        files = _git(self.top, 'ls-files', '--stage', '--', *_CODE)
        return hashlib.sha256(files.encode()).hexdigest()[:16] if files else None

    def _kernel(self, name):
        """What tells one build of a kernel from the next: its directory's name."""
        if name not in self._kernels:
            out = subprocess.run([os.path.join(self.top, 'scripts/kernel'), name], stdout=subprocess.PIPE, text=True,
                                 check=True).stdout
            self._kernels[name] = os.path.basename(out.strip())
        return self._kernels[name]

    def _key(self, kernels):
        return {'code': self.code, 'kernels': [self._kernel(name) for name in kernels]}

    def _path(self, job):
        return os.path.join(self.directory, f'{job}.json')

    def passed(self, job, kernels):
        """The Row of a job that passed on this code and these kernels, or None."""
        try:
            with open(self._path(job), encoding='utf-8') as f:
                kept = json.load(f)
            return Row(**kept['row']) if self.code and kept['key'] == self._key(kernels) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None     # none, or half of one

    def keep(self, job, kernels, row):
        """Write down how it ended, if it passed, and if the tree is still the one that the run began with."""
        if row.failed or not self.code or self._code() != self.code:
            return
        path = self._path(job)
        with open(path + '.new', 'w', encoding='utf-8') as f:
            json.dump({'key': self._key(kernels), 'row': asdict(row)}, f)
        os.rename(path + '.new', path)

    def title(self):
        commit = _git(self.top, 'rev-parse', '--short=12', 'HEAD') or 'unknown'
        return f'Commit {commit} (docs aside)' if self.code else f'Commit {commit}, changed: nothing of it is kept'


def _sum(rows):
    total = Row(sum(r.passed for r in rows), sum(r.failed for r in rows), sum(r.skipped for r in rows),
                sum(r.seconds for r in rows))
    sums = collections.Counter()
    for row in rows:
        sums.update(row.tried)
    total.tried = dict(sums)
    return total


def _cells(name, row):
    what = ', '.join(f'{count:,} {unit}' for unit, count in sorted(row.tried.items()))
    return f'| {name} | {row.passed} | {row.failed} | {row.skipped} | {duration(row.seconds)} | {what} | {row.date} |'


def duration(seconds):
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{seconds:02}'


def summarise(path, title, rows):
    """The table of all jobs; ROWS is {name: Row, or None for what was not run yet}."""
    done = {name: row for name, row in rows.items() if row}
    lines = [f'{title}, {time.strftime("%Y-%m-%d")}: {len(done)} of {len(rows)} jobs have run.', '',
             '| suite and kernel | passed | failed | skipped | took | tried | on |', '|---|---|---|---|---|---|---|']
    lines += [_cells(name, row) if row else f'| {name} | | | | | not run yet | |' for name, row in sorted(rows.items())]
    lines.append(_cells('all', _sum(done.values())))
    with open(path + '.new', 'w', encoding='utf-8') as f:
        print(*lines, sep='\n', file=f)
    os.rename(path + '.new', path)
