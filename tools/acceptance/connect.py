#!/usr/bin/env python3
"""The same real Xen, reached in two ways, gives the same verdicts: over a byte stream (its console on a TCP port) and
through shared memory.

Usage: tools/acceptance/connect.py BIN [PREFIX...] where BIN is the folder of the `assay` program and the prefixes select
cases (default: a few of each kind). Exit 1 when a verdict differs, when nothing passed, or when a run fails.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# dom0 alone, guests of both kinds, single instructions. A guest takes some ten seconds to build over this line.
DEFAULT = ["xen_version.commandline", "evtchn.send.ipi", "iret.flags"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def verdicts(program: Path, target: list[str], prefixes: list[str]) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as out:
        command = [str(program), "grade", *target, "--out", out]
        for prefix in prefixes:
            command += ["--select", prefix]
        start = time.monotonic()
        run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        if run.returncode not in (0, 1, 2):
            sys.exit(f"{' '.join(command)}\nended with exit code {run.returncode}:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
        cases = json.loads(next(Path(out).rglob("results.json")).read_text())["cases"]
        print(f"{target[1]}: {len(cases)} cases in {time.monotonic() - start:.1f} s")
        for case in cases:
            if case["verdict"] not in ("pass", "inconclusive"):
                print(f"  {case['id']}: {case['verdict']}: {case['message']}")
        return {case["id"]: case["verdict"] for case in cases}


def known(program: Path, prefixes: list[str]) -> list[str]:
    listed = subprocess.run([str(program), "list", "cases"], capture_output=True, text=True, check=True).stdout
    return [prefix for prefix in prefixes if f"\n{prefix}" in f"\n{listed}"]


def main() -> int:
    program = Path(sys.argv[1]) / "assay"
    prefixes = sys.argv[2:] or known(program, DEFAULT)
    environment = dict(os.environ, ASSAY_DOM0_IMAGE=str(Path(sys.argv[1]) / "agent-dom0.elf"))
    port = str(free_port())
    boot = [str(ROOT / "tools/connect-xen"), port]
    subprocess.run(boot, check=True, env=environment)
    try:
        restart = " ".join(boot)
        streamed = verdicts(program, ["--target", f"connect:127.0.0.1:{port}", "--restart", restart], prefixes)
    finally:
        subprocess.run([*boot, "stop"], check=True, env=environment)
    shared = verdicts(program, ["--target", "xen"], prefixes)
    different = [f"{case}: {streamed.get(case)} over the stream, {shared.get(case)} through shared memory"
                 for case in sorted(streamed.keys() | shared.keys()) if streamed.get(case) != shared.get(case)]
    print("\n".join(different) or "same verdicts")
    return 1 if different or "pass" not in streamed.values() else 0


if __name__ == "__main__":
    sys.exit(main())
