"""Where the build's programs are, and which core to load with what on its command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Tuple

from . import _core
from .units import text

#: build/<preset>/bin, beside build/<preset>/python; ASSAY_BIN says otherwise.
BIN = Path(os.environ.get("ASSAY_BIN") or Path(__file__).resolve().parents[2] / "bin")
_core.set_program_folder(str(BIN))


def choose(core: str, fault: str, options: str) -> Tuple[str, str]:
    """Path and command line. ValueError for a fault that is not planted, or that another core cannot have."""
    text(core, "core")
    text(options, "options")
    if text(fault, "fault"):
        if core != "hv":
            raise ValueError(f"fault: only the bundled core, 'hv', has planted faults, not {core!r}")
        try:
            _core.check_fault(fault)
        except _core.InputError as error:
            raise ValueError(f"fault: {error}") from None
        return str(BIN / "hv-faults.so"), f"{options} fault={fault}".strip()
    return (str(BIN / "hv.so") if core == "hv" else str(Path(core).absolute())), options
