#!/usr/bin/env python3
"""Grades the bundled core with guests that do what the agent does, and with guests that are the agent's machine code: every
case shall come to the same verdict.

Usage: tools/determinism/guests.py BIN [PREFIX...] where BIN is the folder of the `assay` program; prefixes select cases.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def verdicts(program: Path, guest: str, prefixes: list[str]) -> dict[str, tuple[str, str]]:
    with tempfile.TemporaryDirectory() as out:
        command = [str(program), "grade", "--target", "hv", "--guest", guest, "--out", out]
        for prefix in prefixes:
            command += ["--select", prefix]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode not in (0, 1, 2):
            sys.exit(f"{' '.join(command)} ended with exit code {run.returncode}:\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}")
        cases = json.loads(next(Path(out).rglob("results.json")).read_text())["cases"]
        return {case["id"]: (case["verdict"], case["message"]) for case in cases}


def main() -> int:
    program = Path(sys.argv[1]) / "assay"
    direct = verdicts(program, "direct", sys.argv[2:])
    unicorn = verdicts(program, "unicorn", sys.argv[2:])
    differing = [case for case in sorted(direct.keys() | unicorn.keys())
                 if direct.get(case, ("", ""))[0] != unicorn.get(case, ("", ""))[0]]
    for case in differing:
        print(f"{case}: direct {direct.get(case)}, unicorn {unicorn.get(case)}")
    print(f"{len(direct)} cases, {len(differing)} differ")
    return 1 if differing or not direct else 0


if __name__ == "__main__":
    sys.exit(main())
