#!/usr/bin/env python3
"""What schedulers promise holds on the real Xen too, as far as an emulated machine lets one tell.

Usage: xen_scenarios.py BIN SCENARIOS; BIN is the folder of the `assay` program, SCENARIOS that of the files.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

UNAVAILABLE = 69
SKIP = 77
# A busy host makes measurements unsure; schedulers that only some hypervisors are built with skip.
NO_COMPLAINT = {"pass", "skip", "inconclusive"}


def main(binaries: Path, scenarios: Path) -> int:
    with tempfile.TemporaryDirectory() as out:
        command = [binaries / "assay", "run", scenarios, "--target", "xen", "--out", out]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        print(run.stdout)
        if run.returncode == UNAVAILABLE:
            print(run.stderr)
            return SKIP
        verdicts = {case["id"]: case["verdict"] for case in json.loads((Path(out) / "results.json").read_text())["cases"]}
    if len(verdicts) != len(list(scenarios.glob("*.yaml"))):
        print(f"not all of {scenarios} were played: {verdicts}\n{run.stderr}")
        return 1
    complaints = {name: verdict for name, verdict in verdicts.items() if verdict not in NO_COMPLAINT}
    if complaints or "pass" not in verdicts.values():
        print(f"assay run ended with {run.returncode}: {complaints or 'nothing passes'}\n{run.stderr}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
