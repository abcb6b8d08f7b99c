# SPDX-License-Identifier: GPL-2.0-only
"""Pages that are read for programs side by side: counts, which depend on neither the machine nor what else it does."""
import guests
from live import row

OPTIONS = ['--mem', '1500M']
# By what the kernel chooses.
PLAIN = {'lru_gen_y': 'MGLRU', 'lru_gen_n': 'active/inactive'}


def reads(kernel, insmod_args, policies=('tenure', 'clock')):
    """Pages read from the disk, by the pool with each policy and by plain mmap with either of the kernel's."""
    found = {}
    command = f'sh reads.sh "{" ".join(policies)}"'
    for line in guests.boot(kernel, command, [*OPTIONS, '--insmod-args', insmod_args], [f'{guests.TOP}/bench/guest/reads.sh']):
        guests.progress(f'  {line}')
        if line.startswith('reads '):
            f = guests.fields(line)
            found.setdefault(f['scene'], {})[f['by']] = f['pages']
    return [row('reads', scene, f'{policy} / {name}', pages[policy], pages[plain])
            for scene, pages in found.items() for policy in policies for plain, name in PLAIN.items()]


PARTS = {'reads': reads}
