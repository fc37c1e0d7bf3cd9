#!/usr/bin/env python3
"""Debian's Linux kernel under `assay run`: through its drivers into user space, two processes, a sleep, and off.

Usage: tools/acceptance/linux.py BIN KERNELS, where BIN is the folder of the `assay` program and KERNELS the one that
tools/setup linux has filled. Exit 1 when something is not as it should be, 77 (skipped) when there is no kernel.
"""

import re
import subprocess
import sys
from pathlib import Path

EXPECTED = (
    r"Hypervisor detected: Xen HVM",
    r"xen:events: Using FIFO-based ABI",
    r"Run /init as init process",
    r"init: hello from user space, Linux 6\.",
    r"init: process \d+ computed 1\.644924, 8 bytes, status 0",
    r"init: slept as long as it wanted",
    r"assay: guest poweroff after",
)
UNWANTED = (r"Oops", r"kernel BUG", r"Kernel panic", r"general protection")


def backward_steps(text: str) -> list[str]:
    """Lines with an earlier time than the line before; the kernel's clock must not go back."""
    found, last = [], 0.0
    for line in text.splitlines():
        stamp = re.match(r"\[ *(\d+\.\d+)\]", line)
        if stamp is None:
            continue
        if float(stamp[1]) < last:
            found.append(line)
        last = float(stamp[1])
    return found


def main() -> int:
    program, kernels = Path(sys.argv[1]) / "assay", Path(sys.argv[2])
    if not (kernels / "initrd").exists() or not program.exists():
        print("skipped: no program, or no kernel (tools/setup linux)")
        return 77
    words = [program, "run", "--type", "pvh", kernels / "vmlinux", "--initrd", kernels / "initrd", "--memory", "256"]
    words += ["--cmdline", "console=hvc0", "--limit", "20000"]
    done = subprocess.run(words, capture_output=True, timeout=600, check=False)
    text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    failures = [f"not there: {wanted}" for wanted in EXPECTED if not re.search(wanted, text)]
    failures += [f"there: {unwanted}" for unwanted in UNWANTED if re.search(unwanted, text)]
    failures += [f"the clock went back: {line}" for line in backward_steps(text)]
    if done.returncode != 0:
        failures.append(f"exit code {done.returncode}")
    print("\n".join(failures) if failures else "ok   Linux boots, computes and turns itself off")
    if failures:
        print(text[-4000:])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
