#!/usr/bin/env python3
"""Plants one violation of each kind in a scratch repository and expects the style check to name every one."""

import subprocess
import sys
import tempfile
from pathlib import Path

PLANTED = {
    "hv/mm/left.cpp": ('#include "hv/domain/domain.hpp"\n', "to their left only"),
    "sim/engine/peek.cpp": ('#include "hv/base/types.hpp"\n', "no favours"),
    "sim/engine/hash.cpp": ("auto h = std::hash<int>{}(1);\n", "is banned here"),
    "conformance/model/y.cpp": ('#include "sim/target/target.hpp"\n', "models see the ABI only"),
    "conformance/guest/z.cpp": ('#include "fuzz/sequence/play.hpp"\n', "does not know"),
    "conformance/cases/x/y.cpp": ('#include "sim/engine/machine.hpp"\n', "cases see the Target interface"),
    "hv/mm/heap.cpp": ("void* p = malloc(1);\n", "arena"),
    "sim/base/orphan.hpp": ("#pragma once\n", "an orphan"),
    "sim/base/wide.cpp": ("//" + "x" * 130 + "\n", "columns"),
    "sim/base/long.cpp": ("int f() {\n" + "  g();\n" * 100 + "}\n", "a function of"),
    "sim/base/todo.cpp": ("// TO" + "DO later\n", "unfinished"),
}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        subprocess.run(["git", "init", "-q", str(root)], check=True)
        for name, (text, _) in PLANTED.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        check = subprocess.run([sys.executable, str(Path(__file__).with_name("check.py")), str(root)], capture_output=True,
                               text=True, check=False)
    missed = [name for name, (_, word) in PLANTED.items()
              if not any(line.startswith(name + ":") and word in line for line in check.stdout.splitlines())]
    if check.returncode != 1 or missed:
        print(f"exit {check.returncode}; not reported: {missed}\n{check.stdout}")
        return 1
    print(f"style: all {len(PLANTED)} planted violations were reported")
    return 0


if __name__ == "__main__":
    sys.exit(main())
