#!/usr/bin/env python3
"""Scenarios that nobody wrote are written the same each time, and the bundled core keeps its promises in them.

Usage: generated_scenarios.py BIN where BIN is the folder of the `assay` program.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

SEEDS = "0..15"


def assay(binaries: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([binaries / "assay", *arguments], capture_output=True, text=True, check=False)


def contents(folder: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in Path(folder).iterdir()}


def main(binaries: Path) -> int:
    with tempfile.TemporaryDirectory() as once, tempfile.TemporaryDirectory() as again:
        for folder in (once, again):
            made = assay(binaries, "generate", folder, "--seeds", SEEDS)
            if made.returncode != 0:
                print(f"assay generate ended with {made.returncode}:\n{made.stdout}{made.stderr}")
                return 1
        if len(contents(once)) != 16 or contents(once) != contents(again):
            print("the same seeds made other files")
            return 1
        run = assay(binaries, "run", once)
        print(run.stdout)
        if run.returncode != 0 or "16 cases: 16 pass" not in run.stdout:
            print(f"assay run ended with {run.returncode}:\n{run.stderr}")
            return 1
    refused = assay(binaries, "generate", "/proc/no/such/place")
    if refused.returncode != 64 or "/proc/no/such/place" not in refused.stderr:
        print(f"a folder that cannot be made: {refused.returncode}: {refused.stderr}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
