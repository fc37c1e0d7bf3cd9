#!/usr/bin/env python3
"""House style as a test: include directions, banned calls, sizes of files and functions, orphan files, stray paths.

Usage: tools/style/check.py [ROOT]. Prints one line a finding (file:line: what, and what to do); exit 1 when there is any.
"""

import re
import subprocess
import sys
from pathlib import Path

LINES_MAX = 800          # of a file; tables (*.def) are free
FUNCTION_LINES_MAX = 90  # of a function body
COLUMNS_MAX = 120

SOURCE = {".cpp", ".hpp", ".c", ".h", ".S", ".def"}
HV_ORDER = ["base", "abi", "mm", "evtchn", "grant", "vcpu", "sched", "domain", "hypercall"]

CASES_MAY_INCLUDE = ("conformance/case.hpp", "conformance/guest/", "conformance/cases/", "sim/target/target.hpp",
                     "sim/base/strong.hpp", "sim/abi/", "sim/guest/agent/protocol.h")

# (folders it holds in, pattern, what to use instead)
BANNED = [
    (("hv", "sim", "conformance"), r"\bstd::hash\b", "a digest of named fields: std::hash differs between libraries"),
    (("hv", "sim", "conformance"), r"\bstd::\w+_distribution\b", "integer arithmetic on sim/engine's random streams"),
    (("hv", "sim", "conformance"), r"\bstd::unordered_", "an ordered container: iteration order must not vary"),
    (("hv", "sim", "conformance"), r"\b(rand|srand|random)\s*\(", "a named stream of the root seed"),
    (("hv",), r"\b(malloc|calloc|realloc|free)\s*\(", "hv/base/arena.hpp: all state lives in the arena"),
    (("hv",), r"\bnew\s+[A-Za-z_:]+\s*[({\[]", "arena_new"),
    (("hv",), r"\b(time|clock_gettime|gettimeofday)\s*\(", "hv::now()"),
    (("hv", "sim/engine", "sim/guest", "sim/toolstack"), r"\b(double|float)\b",
     "integers: nothing that decides uses floating point"),
    (("hv", "sim", "conformance", "reports", "tools"), r"\bstd::(cout|endl)\b", "fmt::print, or std::fputs for diagnostics"),
]


def tracked(root: Path) -> list[Path]:
    out = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True,
                         check=True).stdout
    return [Path(line) for line in out.splitlines() if (root / line).is_file()]


def include_allowed(source: Path, target: str) -> str | None:
    """None when `source` may include `target`, otherwise the rule it breaks."""
    top = source.parts[0]
    test = source.stem.endswith("_test") or "testing" in source.parts
    if target.startswith("tools/") and top != "tools":
        return "nobody includes tools"
    if top == "hv":
        if target.startswith(("sim/port/", "sim/abi/")):
            return None
        if not target.startswith("hv/"):
            return "hv sees only hv, sim/port and sim/abi"
        if len(source.parts) < 3:
            return None  # the files at the top of hv put the parts together
        mine, theirs = source.parts[1], target.split("/")[1]
        if test or theirs == "base" and "testing" in target:
            return None if test else "only tests include hv/base/testing"
        if mine in HV_ORDER and theirs in HV_ORDER and HV_ORDER.index(theirs) > HV_ORDER.index(mine):
            return "hv folders include to their left only: " + " < ".join(HV_ORDER)
        return None
    if target.startswith("hv/"):
        return "only hv includes hv: the harness gives the bundled core no favours"
    if top == "sim" and target.startswith(("conformance/", "reports/", "fuzz/")):
        return "sim sees only sim"
    if top == "conformance" and target.startswith("fuzz/"):
        return "the suite does not know what plays with it"
    if source.parts[:2] == ("conformance", "model") and not test:
        if not target.startswith(("conformance/model/", "sim/abi/", "sim/base/")):
            return "models see the ABI only"
    if source.parts[:2] == ("conformance", "cases"):
        if not target.startswith(CASES_MAY_INCLUDE):
            return "cases see the Target interface, the ABI and conformance/guest only"
    return None


NOT_A_FUNCTION = r"(namespace|extern|class|struct|enum|union|static const|constexpr|const|inline const|#|\})"


def function_lengths(lines: list[str]):
    """Yields (first line, length) of blocks that open at column 0 and close with '}' at column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        opens = line and not line[0].isspace() and line.rstrip().endswith("{")
        if opens and not re.match(NOT_A_FUNCTION, line):
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number - start
            start = None


def check_file(root: Path, path: Path, report) -> list[str]:
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    includes = []
    if path.suffix in SOURCE:
        if len(lines) > LINES_MAX and path.suffix != ".def":
            report(path, 1, f"{len(lines)} lines; split it by concept (at most {LINES_MAX})")
        for start, length in function_lengths(lines):
            if length > FUNCTION_LINES_MAX:
                report(path, start, f"a function of {length} lines; split it (at most {FUNCTION_LINES_MAX})")
    for number, line in enumerate(lines, 1):
        if path.suffix in SOURCE or path.suffix == ".py":
            if len(line) > COLUMNS_MAX + (10 if path.suffix == ".py" else 0):
                report(path, number, f"{len(line)} columns (at most {COLUMNS_MAX})")
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if match and path.suffix in SOURCE:
            includes.append(match.group(1))
            rule = include_allowed(path, match.group(1))
            if rule:
                report(path, number, f'includes "{match.group(1)}": {rule}')
        if path.suffix in SOURCE:
            code = line.split("//")[0]
            for folders, pattern, instead in BANNED:
                inside = any(str(path).startswith(folder + "/") for folder in folders)
                if inside and not path.stem.endswith("_test") and re.search(pattern, code):
                    report(path, number, f"'{re.search(pattern, code).group(0).strip()}' is banned here; use {instead}")
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                report(path, number, "unfinished by its own words; finish it or open an issue")
        if re.search(r"(^|[\s\"'=(])/(home|root|work)/\w", line) and path.name != "check.py":
            report(path, number, "a path of one machine; name things relative to the project")
    return includes


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2])
    findings: list[str] = []

    def report(path: Path, line: int, what: str) -> None:
        findings.append(f"{path}:{line}: {what}")

    files = [p for p in tracked(root) if p.suffix not in {".png", ".svg", ".bin"}]
    included: set[str] = set()
    for path in files:
        included.update(check_file(root, path, report))
    for path in files:
        if path.suffix in {".hpp", ".h", ".def"} and str(path) not in included:
            report(path, 1, "an orphan: nothing includes it")
    print("\n".join(findings) if findings else f"style: {len(files)} files, nothing to report")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
