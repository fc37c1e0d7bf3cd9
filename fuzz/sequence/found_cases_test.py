#!/usr/bin/env python3
"""What sequences find is written as a case that compiles without a warning: found_cases_test.py BIN COMPILER ROOT."""

import subprocess
import sys
import tempfile
from pathlib import Path

# A planted fault that a family finds, so that there is something to write. Of races, those that need one.
FAULTS = {"domains": "memory.decrease_leaks_reference", "events": "evtchn.bind_loses_event",
          "grants": "grant.failed_map_stays_noted", "log_dirty": "logdirty.grant_copy_missed",
          "memory": "memory.decrease_leaks_reference",
          "page_tables": "mmu.last_type_not_released",
          "races": "evtchn.masked_event_announced", "races_grants": "grant.map_reference_read_twice",
          "races_memory": "p2m.moved_frame_not_rechecked", "vcpus": "vcpu.info_registered_twice"}
COMPILED_MAX = 1  # of a family: they are written by the same code


def main(binaries: Path, compiler: str, root: Path) -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as out:
        for family, fault in FAULTS.items():
            subprocess.run([binaries / "assay", "check", "--fault", fault, "--family", family, "--sequences", "20",
                            "--out", f"{out}/{family}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           check=False)
            cases = sorted(Path(out, family).glob("*.cpp"))
            if not cases:
                print(f"family {family} found nothing of {fault}")
                failed += 1
            for case in cases[:COMPILED_MAX]:
                run = subprocess.run([compiler, "-std=gnu++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wconversion",
                                      "-Wsign-conversion", "-Werror", "-I", root, case], capture_output=True,
                                     text=True, check=False)
                if run.returncode != 0:
                    print(f"{case.name} of {fault} does not compile:\n{run.stderr[:2000]}\n{case.read_text()}")
                    failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
