#!/usr/bin/env python3
"""Each scenario of scenarios/bugs/ fails with the planted fault that it names, and passes without; each planted fault of a
scheduler that a scenario can meet has one.

Usage: scenario_bugs.py BIN [--measure] where BIN is the folder of the `assay` program. With --measure, a line for each
scenario instead: how long two workers explore until it fails, and how many domains and actions `assay minimize` leaves.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
SEEDS = range(1, 9)
# With its fault: on with further ones until one fails.
SEEDS_MAX = 64
WORKERS = 2
# A scenario cannot say what finds them: guests here call neither, and no action destroys a pool.
BEYOND_SCENARIOS = {
    "sched.nested_pin_forgets_affinity",
    "sched.shutdown_of_anybody",
    "cpupool.destroyed_with_pcpus",
}


def play(program: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def runs(program: Path, scenario: Path, out: Path, seeds: range, *fault: str) -> tuple[int, str]:
    span = f"{seeds[0]}..{seeds[-1]}"
    return play(program, "run", str(scenario), "--seeds", span, "--jobs", str(WORKERS), "--out", str(out), *fault)


def named_fault(scenario: Path) -> str:
    named = re.search(r"^finds: (\S+)$", scenario.read_text(), re.MULTILINE)
    return named.group(1) if named else ""


def failing_seed(program: Path, scenario: Path, out: Path, fault: str, at_once: int) -> int:
    """The first one that is seen, so many at a time; 0: none of them."""
    for first in range(1, SEEDS_MAX + 1, at_once):
        _, output = runs(program, scenario, out, range(first, first + at_once), "--fault", fault)
        found = re.search(r"^(?:fail|crash|timeout) \S+\.seed(\d+)$", output, re.MULTILINE)
        if found:
            return int(found.group(1))
    return 0


def complaint(program: Path, scenario: Path, out: Path) -> str:
    fault = named_fault(scenario)
    if not fault:
        return "names no fault: finds: NAME"
    code, output = runs(program, scenario, out, SEEDS)
    if code != 0:
        return f"without a fault it ends with {code}, not 0:\n{output}"
    if failing_seed(program, scenario, out, fault, len(SEEDS)) == 0:
        return f"with {fault} no seed up to {SEEDS_MAX} fails"
    return ""


def without_scenario(scenarios: list[Path]) -> list[str]:
    catalogue = [entry["name"] for entry in yaml.safe_load((ROOT / "fuzz/faults/faults.yaml").read_text())]
    met = {named_fault(scenario) for scenario in scenarios} | BEYOND_SCENARIOS
    return [name for name in catalogue if name.startswith(("sched.", "cpupool.")) and name not in met]


def check(program: Path, scenarios: list[Path], out: Path) -> bool:
    complaints = 0
    for scenario in scenarios:
        text = complaint(program, scenario, out)
        complaints += bool(text)
        print(f"{scenario.stem}: {text or 'fails with its fault, passes without'}")
    for name in without_scenario(scenarios):
        complaints += 1
        print(f"{name}: no scenario of scenarios/bugs has 'finds: {name}'")
    return complaints == 0


def measure(program: Path, scenario: Path, out: Path) -> str:
    fault = named_fault(scenario)
    begin = time.monotonic()
    seed = failing_seed(program, scenario, out, fault, WORKERS)
    seconds = time.monotonic() - begin
    if seed == 0:
        return f"not found in {seconds:.1f} s"
    small = out / "small.yaml"
    command = ("minimize", str(scenario), "--seed", str(seed), "--fault", fault, "--out", str(small))
    code, output = play(program, *command, "--jobs", str(WORKERS))
    if code != 0:
        return f"found by seed {seed} in {seconds:.2f} s; minimize ends with {code}:\n{output}"
    left = yaml.safe_load(small.read_text())
    domains = sum(int(domain.get("count", 1)) for domain in left["domains"])
    return f"found by seed {seed} in {seconds:.2f} s; domains: {domains}, actions: {len(left.get('actions') or [])}"


def main() -> int:
    program = Path(sys.argv[1]) / "assay"
    scenarios = sorted((ROOT / "scenarios/bugs").glob("*.yaml"))
    if not scenarios:
        sys.exit("scenario_bugs.py: scenarios/bugs has no scenario")
    with tempfile.TemporaryDirectory() as out:
        if "--measure" not in sys.argv[2:]:
            return 0 if check(program, scenarios, Path(out)) else 1
        for scenario in scenarios:
            print(f"{scenario.stem}: {measure(program, scenario, Path(out))}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
