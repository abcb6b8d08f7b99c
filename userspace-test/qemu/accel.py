# SPDX-License-Identifier: GPL-2.0-only
"""Which accelerator QEMU can use here, and what the TSC runs at. Answers are remembered for one boot of the host."""
import ctypes
import mmap
import os
import subprocess
import time


def _remembered(cache, name, find):
    with open('/proc/sys/kernel/random/boot_id', encoding='ascii') as f:
        path = os.path.join(cache, f'{name}-{f.read().strip()}')
    try:
        with open(path, encoding='ascii') as f:
            return f.read()
    except FileNotFoundError:
        answer = find()
        with open(f'{path}.{os.getpid()}', 'w', encoding='ascii') as f:
            f.write(answer)
        os.rename(f.name, path)
        return answer


def _probe_kvm(image):
    """Boot a kernel that finds no root, panics and reboots. /dev/kvm may be there and abort, or hang for ever."""
    command = ['qemu-system-x86_64', '-accel', 'kvm', '-cpu', 'host', '-m', '256', '-nodefaults', '-display', 'none',
               '-serial', 'stdio', '-no-reboot', '-kernel', image,
               '-append', 'console=ttyS0 panic=-1 reboot=t root=/dev/none']
    try:
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return 'no'
    return 'yes' if ran.returncode == 0 and b'Kernel panic' in ran.stdout else 'no'


def kvm_works(cache, image):
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        return False
    return _remembered(cache, 'kvm', lambda: _probe_kvm(image)) == 'yes'


def _measure_tsc():
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b'\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0\xc3')     # rdtsc; shl $32,%rdx; or %rdx,%rax; ret
    rdtsc = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    ticks, start = rdtsc(), time.monotonic_ns()
    time.sleep(0.2)
    ticks, elapsed = rdtsc() - ticks, time.monotonic_ns() - start
    return str(ticks * 1_000_000 // elapsed)


def tsc_khz(cache):
    """Frequency of the host's TSC, which under TCG is the guest's: on a busy host the guest cannot measure it."""
    return int(_remembered(cache, 'tsc-khz', _measure_tsc))
