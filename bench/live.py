# SPDX-License-Identifier: GPL-2.0-only
"""What is measured by time, on two virtual processors: only ratios inside one boot mean anything."""
import json
import statistics

import guests

LIVE = ['--brd', '600', '--mem', '1500M']
PERCENTILES = ['p50', 'p90', 'p99', 'p999', 'max']
FIO_JOBS = ['randread', 'randwrite', 'read', 'write']
COLUMNS = ['kernel', 'part', 'what', 'figure', 'ours', 'mmap', 'ratio']


def row(part, what, figure, ours, mmap):
    return {'part': part, 'what': what, 'figure': figure, 'ours': ours, 'mmap': mmap,
            'ratio': ours / mmap if mmap else ''}


def lines(kernel, command, word, insmod_args, files=()):
    """The lines of a guest that begin with a word, as fields."""
    for line in guests.boot(kernel, f'sh live.sh {command}', [*LIVE, '--insmod-args', insmod_args], files):
        guests.progress(f'  {line.split("{")[0]}')
        if line.startswith(f'{word} '):
            yield line


def scale(kernel, insmod_args, rounds=7):
    """Accesses a second of one worker and of two, and what the second adds: medians of short slices that took turns."""
    rates, others = {}, {}
    for line in lines(kernel, f'scale {rounds}', 'slice', insmod_args):
        f = guests.fields(line)
        rates.setdefault(f['what'], {}).setdefault((f['way'], f['workers']), []).append(f['rate'])
        if f['workers'] == 1:
            others.setdefault((f['what'], f['way']), []).append(float(f['others']))
    rows = []
    for what, rate in rates.items():
        for workers in (1, 2):
            rows.append(row('scale', what, f'by {workers}, a second', statistics.median(rate['pool', workers]),
                            statistics.median(rate['mmap', workers])))
        gain = {way: statistics.median(two / one for one, two in zip(rate[way, 1], rate[way, 2], strict=True))
                for way in ('pool', 'mmap')}
        rows.append(row('scale', what, 'two / one', gain['pool'], gain['mmap']))
        # Where the kernel's threads are at work on the second processor already, a second worker does not add it.
        busy = {way: max(statistics.median(others[what, way]), 0) for way in ('pool', 'mmap')}
        rows.append(row('scale', what, 'others beside one', busy['pool'], busy['mmap']))
    return rows


def latency(kernel, insmod_args, part='latency', seconds=10):
    """Nanoseconds of single accesses."""
    found = {}
    for line in lines(kernel, f'{part} {seconds}', 'latency', insmod_args, ['/sbin/dmsetup']):
        f = guests.fields(line)
        found.setdefault(f['what'], {})[f['way']] = f
    return [row(part, what, f'{p}, ns', ways['pool'][p], ways['mmap'][p])
            for what, ways in found.items() for p in PERCENTILES]


def delay(kernel, insmod_args):
    """The same with a device that takes 20 ms for each write."""
    return latency(kernel, insmod_args, 'delay', 12)


def fio(kernel, insmod_args, seconds=8):
    """What fio's mmap engine makes of both: pages a second."""
    found = {}
    command = f'fio {seconds} "{" ".join(FIO_JOBS)}"'
    for line in lines(kernel, command, 'fio', insmod_args, ['/usr/bin/fio']):
        _, what, way, report = line.split(maxsplit=3)
        job = json.loads(report)['jobs'][0]
        found.setdefault(what, {})[way] = job['read']['iops'] + job['write']['iops']
    return [row('fio', what, 'pages a second', ways['pool'], ways['mmap']) for what, ways in found.items()]


PARTS = {'scale': scale, 'latency': latency, 'delay': delay, 'fio': fio}


def table(rows):
    """The rows for people."""
    def number(value):
        return f'{value:,.2f}' if value < 100 else f'{value:,.0f}'

    text = [f'{"kernel":<7}{"part":<9}{"what":<11}{"figure":<26}{"ours":>14}{"mmap":>14}{"ours/mmap":>11}']
    for r in rows:
        ratio = f'{r["ratio"]:.3f}' if r['ratio'] != '' else '-'
        text.append(f'{r["kernel"]:<7}{r["part"]:<9}{r["what"]:<11}{r["figure"]:<26}{number(r["ours"]):>14}'
                    f'{number(r["mmap"]):>14}{ratio:>11}')
    return '\n'.join(text)
