# SPDX-License-Identifier: GPL-2.0-only
"""SVG pictures of figures, drawn by gnuplot."""
import subprocess

STYLE = '''set terminal svg size 900,420 font "sans,12" background "white" noenhanced
set grid ytics lc rgb "#dddddd"
set key outside top center horizontal
set border 3
set tics nomirror
'''


def gnuplot(script):
    subprocess.run(['gnuplot'], input=STYLE + script, text=True, check=True)


def block(name, lines):
    """A named block of data."""
    return f'${name} << EOD\n' + '\n'.join(lines) + '\nEOD\n'


def number(row, name):
    value = row.get(name, '')
    return float(value) if value != '' else None


def label(row, rows):
    """A workload, with its path where it has more than one."""
    paths = {other['path'] for other in rows if other['workload'] == row['workload']}
    return f'{row["workload"]} {row["path"]}' if len(paths) > 1 else row['workload']


def bars(path, kernel, backing, rows):
    """What ours and the floor are, with plain mmap at 100."""
    lines = []
    for row in rows:
        mmap = number(row, 'mmap')
        if not mmap:
            continue
        shares = [f'{100 * value / mmap:.1f}' if value else 'NaN' for value in (number(row, 'ours'), number(row, 'floor'))]
        lines.append(' '.join([f'"{label(row, rows)}"', *shares]))
    if not lines:
        return
    gnuplot(block('data', lines) + f'''set output "{path}"
set title "instructions per operation, Linux {kernel}, {backing}"
set ylabel "plain mmap = 100"
set yrange [0:*]
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.9 border -1
set xtics rotate by -45
plot $data using 2:xtic(1) title "framepool" lc rgb "#2c7bb6", \\
     $data using 3 title "floor" lc rgb "#bbbbbb", \\
     100 with lines title "plain mmap" lc rgb "#d7191c"
''')


def course(path, kernel, backing, history):
    """How the ratios went, run after run."""
    runs = list(dict.fromkeys(row['date'] for row in history))
    if len(runs) < 2:
        return
    blocks, curves = '', []
    labels = [label(row, history) for row in history]
    for i, name in enumerate(dict.fromkeys(labels)):
        points = [f'{runs.index(row["date"])} {100 * float(row["ratio"]):.1f}'
                  for row, of in zip(history, labels) if of == name and row['ratio']]
        if points:
            blocks += block(f'w{i}', points)
            curves.append(f'$w{i} using 1:2 with linespoints title "{name}"')
    if not curves:
        return
    commits = {row['date']: row['commit'] for row in history}
    names = ', '.join(f'"{commits[run]}" {i}' for i, run in enumerate(runs))
    gnuplot(blocks + f'''set output "{path}"
set title "the course of the ratios, Linux {kernel}, {backing}"
set ylabel "plain mmap = 100"
set yrange [0:*]
set xtics rotate by -45 ({names})
plot {", ".join(curves)}
''')


def draw(directory, latest, history):
    """The pictures of each kernel and backing."""
    for kernel, backing in dict.fromkeys((row['kernel'], row['backing']) for row in latest):
        def here(rows):
            return [row for row in rows if (row['kernel'], row['backing']) == (kernel, backing)]

        bars(f'{directory}/ratio-{kernel}-{backing}.svg', kernel, backing, here(latest))
        course(f'{directory}/course-{kernel}-{backing}.svg', kernel, backing, here(history))
