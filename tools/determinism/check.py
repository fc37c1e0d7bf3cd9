#!/usr/bin/env python3
"""Grades the bundled core with several builds and seeds, and expects the same verdicts and digests from all of them.

Usage: tools/determinism/check.py BIN... where each BIN is a folder with an `assay` program. One seed is run twice with the
first build, then once with each other build; a second seed must give another digest (a digest that cannot change proves
nothing). Exit 77 (skipped) when a build is missing.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def grade(program: Path, seed: int) -> dict:
    with tempfile.TemporaryDirectory() as out:
        command = [str(program), "grade", "--target", "hv", "--seed", str(seed), "--out", out]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode not in (0, 1, 2):
            sys.exit(f"{program} ended with exit code {run.returncode}:\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}")
        return json.loads(next(Path(out).rglob("results.json")).read_text())


def differences(one: dict, two: dict) -> list[str]:
    verdicts = [{case["id"]: case["verdict"] for case in results["cases"]} for results in (one, two)]
    found = [f"  {case}: {verdicts[0].get(case)} / {verdicts[1].get(case)}"
             for case in sorted(verdicts[0].keys() | verdicts[1].keys())
             if verdicts[0].get(case) != verdicts[1].get(case)]
    if one["run"]["digest"] != two["run"]["digest"]:
        digests = [{case["id"]: case.get("digest") for case in results["cases"]} for results in (one, two)]
        found += [f"  {case}: digests {digests[0].get(case)} / {digests[1].get(case)}" for case in sorted(digests[0])
                  if digests[0][case] != digests[1].get(case)]
        found.append(f"  run digest: {one['run']['digest']} / {two['run']['digest']}")
    return found


def main() -> int:
    programs = [Path(folder) / "assay" for folder in sys.argv[1:]]
    absent = [str(program) for program in programs if not program.exists()]
    if absent or not programs:
        print(f"skipped: not built: {', '.join(absent) or 'no folder given'}")
        return 77
    first = grade(programs[0], 1)
    failed = False
    for program in [programs[0], *programs[1:]]:
        found = differences(first, grade(program, 1))
        print(f"{program}: {'differs' if found else 'same'}")
        print("\n".join(found), end="\n" if found else "")
        failed = failed or bool(found)
    if grade(programs[0], 2)["run"]["digest"] == first["run"]["digest"]:
        print("another seed gives the same digest: the digest says nothing")
        failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
