#!/usr/bin/env python3
"""Fuzzing the real Xen is guided by edges of its own code: QEMU loads the plugin, new edges keep inputs, a run goes on from them.

Usage: xen_edges.py BIN where BIN is the folder of the `assay` program. Exit 77 (skipped) when the real Xen is not there.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
UNAVAILABLE = 69
RUNS = 3000
# Booting and two guests alone pass through more of them.
EDGES_MIN = 1000


def check(holds: bool, what: str, output: str) -> None:
    if not holds:
        sys.exit(f"xen_edges.py: does not hold: {what}\n{output}")


def fuzz(program: Path, out: Path, *more: str) -> str:
    command = [str(program), "fuzz", "--target", "xen", "--runs", str(RUNS), "--out", str(out), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    output = done.stdout + done.stderr
    if done.returncode == UNAVAILABLE:
        print(output)
        sys.exit(SKIPPED)
    check(done.returncode == 0, f"it ends with 0, not {done.returncode}", output)
    return done.stdout  # what it came to; how it got there is on stderr


def edges_and_inputs(output: str) -> tuple[int, int]:
    told = re.findall(r"([\d,]+) edges, ([\d,]+) inputs", output)
    check(bool(told), "edges and inputs are counted", output)
    edges, inputs = told[-1]
    return int(edges.replace(",", "")), int(inputs.replace(",", ""))


def main() -> int:
    program = Path(sys.argv[1]) / "assay"
    with tempfile.TemporaryDirectory() as name:
        guided, blind = Path(name) / "guided", Path(name) / "blind"
        first = fuzz(program, guided)
        edges, inputs = edges_and_inputs(first)
        check(edges >= EDGES_MIN, f"Xen's code has at least {EDGES_MIN} edges there, not {edges}", first)
        kept = {path.name for path in (guided / "xen" / "corpus").iterdir()}
        check(0 < len(kept) <= inputs, f"inputs with new edges are kept: {len(kept)} files, {inputs} told", first)
        again = fuzz(program, guided)
        check(kept <= {path.name for path in (guided / "xen" / "corpus").iterdir()}, "the next run keeps them", again)
        check(edges_and_inputs(again)[1] >= len(kept), "the next run begins with them", again)
        without = fuzz(program, blind, "--no-coverage")
        check("edges" not in without, "without coverage no edges are told", without)
    print(f"xen edges: all holds; {edges} edges, {inputs} inputs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
