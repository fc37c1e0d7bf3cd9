#!/usr/bin/env python3
"""Each scenario of scenarios/bugs/ fails with the planted fault that it names, and passes without.

Usage: scenario_bugs.py BIN where BIN is the folder of the `assay` program.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SEEDS = "1..8"


def runs(program: Path, scenario: Path, out: Path, *fault: str) -> tuple[int, str]:
    command = [str(program), "run", str(scenario), "--seeds", SEEDS, "--out", str(out), *fault]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def complaint(program: Path, scenario: Path, out: Path) -> str:
    named = re.search(r"^finds: (\S+)$", scenario.read_text(), re.MULTILINE)
    if not named:
        return "names no fault: finds: NAME"
    code, output = runs(program, scenario, out)
    if code != 0:
        return f"without a fault it ends with {code}, not 0:\n{output}"
    code, output = runs(program, scenario, out, "--fault", named.group(1))
    if code != 1:
        return f"with {named.group(1)} it ends with {code}, not 1:\n{output}"
    return ""


def main() -> int:
    program = Path(sys.argv[1]) / "assay"
    scenarios = sorted((ROOT / "scenarios/bugs").glob("*.yaml"))
    if not scenarios:
        sys.exit("scenario_bugs.py: scenarios/bugs has no scenario")
    complaints = 0
    with tempfile.TemporaryDirectory() as out:
        for scenario in scenarios:
            text = complaint(program, scenario, Path(out))
            complaints += bool(text)
            print(f"{scenario.stem}: {text or 'fails with its fault, passes without'}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
