"""Runs suites against the real Xen under a QEMU that logs which code of Xen it translates."""

import re
import shutil
import stat
import tempfile
from pathlib import Path

from places import GRADED, PROGRAM, ROOT, XEN_SYMBOLS, environment, run
from tracefile import BadInput
from xen_functions import (Function, Symbol, executed_blocks, functions_of, homeless_handlers, parse_symbols, reached,
                           read_units)

SUITES = {
    "cases": ["grade", "--target", "xen", "--out", "{out}"],
    "properties": ["check", "--target", "xen", "--sequences", "20", "--length", "200", "--out", "{out}"],
    "fuzz": ["fuzz", "--target", "xen", "--runs", "2000", "--out", "{out}"],
}

# A block that is about to run for the first time is translated and logged; QEMU puts its process id for %d.
QEMU = """#!/bin/sh
exec '{program}' "$@" -d in_asm -dfilter {first:#x}..{last:#x} -D '{folder}/%d.log'
"""


def symbols(xen: Path) -> list[Symbol]:
    """Throws BadInput when they are of another build than the Xen that is going to run."""
    note = run(["readelf", "-n", XEN_SYMBOLS]).stdout
    build = re.search(r"Build ID: ([0-9a-f]+)", note)
    if build is None or bytes.fromhex(build.group(1)) not in xen.read_bytes():
        raise BadInput(f"{XEN_SYMBOLS}: of another build than {xen}; remove both, then run `tools/setup xen coverage`")
    return parse_symbols(run(["readelf", "-SsW", XEN_SYMBOLS]).stdout, str(XEN_SYMBOLS))


def handlers(text: list[Symbol]) -> list[Function]:
    functions = functions_of(text, read_units(Path(__file__).with_name("xen_units.yaml")))
    hypercalls = re.findall(r"^ASSAY_HYPERCALL\(\d+, (\w+),", (ROOT / "sim/abi/hypercalls.def").read_text(), re.MULTILINE)
    homeless = homeless_handlers(text, functions, hypercalls)
    if homeless:
        raise BadInput(f"xen_units.yaml: no entry holds {', '.join(homeless)}; add the object file of each")
    return functions


def logging_qemu(text: list[Symbol], folder: Path) -> None:
    """A qemu-system-x86_64 to find in PATH before the real one."""
    program = shutil.which("qemu-system-x86_64")
    if program is None:
        raise BadInput("qemu-system-x86_64 not found in PATH; `tools/setup xen` installs it")
    wrapper = folder / "qemu-system-x86_64"
    wrapper.write_text(QEMU.format(program=program, first=text[0].address, last=text[-1].address + text[-1].size, folder=folder))
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)


def reached_by(suite: str, text: list[Symbol], functions: list[Function]) -> set[tuple[str, str]]:
    """(file, name) of the functions that ran during the suite, boots included."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        logging_qemu(text, folder)
        path = environment(PATH=f"{folder}:{environment()['PATH']}")
        run([PROGRAM, *(word.format(out=folder / "results") for word in SUITES[suite])], wanted=GRADED, env=path)
        blocks: set[int] = set()
        for log in sorted(folder.glob("*.log")):
            blocks |= executed_blocks(log.read_text(errors="replace"), log.name)
        if not blocks:
            raise BadInput(f"suite {suite}: QEMU wrote no log; is ASSAY_XEN set to a target that does not run under it?")
        return reached(functions, blocks)
