#!/usr/bin/env python3
"""Grades the bundled core and plays the scenarios with several builds and seeds: the same verdicts and digests from all.

Usage: tools/determinism/check.py BIN... where each BIN is a folder with an `assay` program. One seed is run twice with the
first build, then once with each other build; a second seed must give another digest (a digest that cannot change proves
nothing). Guest images are input, and cases read them (a saved guest's memory): all builds get those of the first one.
Exit 77 (skipped) when a build is missing.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
GRADE = ["grade", "--target", "hv"]
PLAY = ["run", str(SCENARIOS)]


def results_of(program: Path, words: list[str], seed: int) -> dict:
    with tempfile.TemporaryDirectory() as out:
        command = [str(program), *words, "--seed", str(seed), "--out", out]
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


@contextlib.contextmanager
def with_images_of(first: Path, folder: Path):
    """The program of `folder` in one that has the guest images of `first`."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        mixed = Path(name)
        for file in folder.iterdir():
            if file.is_file() and file.suffix != ".elf":
                os.link(file, mixed / file.name)
        for image in first.glob("*.elf"):
            shutil.copy(image, mixed)
        yield mixed / "assay"


def compare(folders: list[Path], words: list[str]) -> bool:
    """Whether all builds agree, and another seed does not."""
    first = results_of(folders[0] / "assay", words, 1)
    agree = True
    for folder in folders:
        with with_images_of(folders[0], folder) as program:
            found = differences(first, results_of(program, words, 1))
        print(f"{folder} {words[0]}: {'differs' if found else 'same'}")
        print("\n".join(found), end="\n" if found else "")
        agree = agree and not found
    if results_of(folders[0] / "assay", words, 2)["run"]["digest"] == first["run"]["digest"]:
        print(f"{words[0]}: another seed gives the same digest: the digest says nothing")
        agree = False
    return agree


def generated(program: Path) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([str(program), "generate", out, "--seeds", "0..63"], check=True, capture_output=True)
        return {file.name: file.read_text() for file in Path(out).iterdir()}


def generate_alike(folders: list[Path]) -> bool:
    """Whether all builds draw the same scenarios."""
    files = [generated(folder / "assay") for folder in folders]
    differing = sorted(name for name in files[0] if any(other.get(name) != files[0][name] for other in files))
    print(f"generate: {', '.join(differing) + ' differ' if differing else 'same'}")
    return not differing


def main() -> int:
    folders = [Path(folder) for folder in sys.argv[1:]]
    absent = [str(folder) for folder in folders if not (folder / "assay").exists()]
    if absent or not folders:
        print(f"skipped: not built: {', '.join(absent) or 'no folder given'}")
        return 77
    agreed = [compare(folders, words) for words in (GRADE, PLAY)]
    return 0 if all(agreed) and generate_alike(folders) else 1


if __name__ == "__main__":
    sys.exit(main())
