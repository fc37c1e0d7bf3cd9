"""Where things are, and running programs of the project."""

import os
import subprocess
from pathlib import Path

from tracefile import BadInput

ROOT = Path(__file__).resolve().parents[2]
RELEASE = ROOT / "build/release/bin"
PROGRAM = RELEASE / "assay"
CORE = ROOT / "build/coverage/bin/hv.so"
XEN = ROOT / ".cache/xen/xen-4.17-amd64"
XEN_SYMBOLS = ROOT / ".cache/xen/xen-syms-4.17-amd64"

# Of `assay`: all as expected; unexpected results; inconclusive ones. What was executed counts in each of these cases.
GRADED = (0, 1, 2)


def run(command: list, wanted: tuple[int, ...] = (0,), **options) -> subprocess.CompletedProcess:
    """Runs a program from the root of the tree. Throws BadInput with its last lines when it ends otherwise than wanted."""
    words = [str(word) for word in command]
    try:
        ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, errors="replace", **options)
    except OSError as error:
        raise BadInput(f"{words[0]}: {error.strerror}; `tools/setup build xen test coverage` installs what is needed") from None
    if ended.returncode not in wanted:
        last = "\n".join((ended.stderr or ended.stdout).splitlines()[-15:])
        raise BadInput(f"`{' '.join(words)}` ended with exit code {ended.returncode}:\n{last}")
    return ended


def build(preset: str, *targets: str) -> None:
    if not (ROOT / "build" / preset / "build.ninja").exists():
        run(["cmake", "--preset", preset])
    run(["cmake", "--build", ROOT / "build" / preset, "--target", *targets])


def environment(**extra: str) -> dict[str, str]:
    return {**os.environ, "ASSAY_XEN": os.environ.get("ASSAY_XEN", str(XEN)), **extra}


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
