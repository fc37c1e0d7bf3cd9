"""What no suite executes, each with its reason (uncovered.yaml), and whether that list is still true."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tracefile import BadInput, SourceFile, Tracefile

KEYS = {"file", "functions", "code", "reason"}


@dataclass(frozen=True)
class Hole:
    file: str
    line: int
    what: str      # "not executed", or how many sides of how many branches were not taken
    function: str  # as in the source, without namespaces and arguments
    code: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.function}: {self.what}: {self.code}"


@dataclass
class Entry:
    """Explains the holes whose file and line of code its patterns match, in these functions; what is not given matches any."""
    reason: str
    patterns: dict[str, re.Pattern]
    functions: set[str]
    where: str
    used: set[str] = field(default_factory=set)  # functions whose holes it explained

    def explains(self, hole: Hole) -> bool:
        return ((not (file := self.patterns.get("file")) or file.fullmatch(hole.file) is not None) and
                (not self.functions or hole.function in self.functions) and
                (not (code := self.patterns.get("code")) or code.search(hole.code) is not None))

    def stale(self) -> str:
        """What of it explains nothing; empty when all of it is needed."""
        if not self.used:
            return "all of it"
        return ", ".join(sorted(self.functions - self.used))


@dataclass
class Checked:
    explained: list[Hole] = field(default_factory=list)
    unexplained: list[Hole] = field(default_factory=list)
    stale: list[Entry] = field(default_factory=list)

    def lines(self) -> list[str]:
        return [str(hole) for hole in self.unexplained] + \
            [f"{entry.where}: explains nothing any more, remove {entry.stale()}: {entry.reason}" for entry in self.stale]

    def summary(self, path: Path) -> str:
        text = f"holes: {len(self.explained)} with a reason, {len(self.unexplained)} without; stale reasons: {len(self.stale)}"
        return f"{text}; see {path}" if self.unexplained or self.stale else text


def read_entries(path: Path) -> list[Entry]:
    """Throws BadInput: no list, an unknown key, no reason, neither file nor code, a pattern that is none."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: {error}") from None
    if not isinstance(document, list):
        raise BadInput(f"{path}: must be a list of entries")
    return [read_entry(item, f"{path.name}: entry {number}") for number, item in enumerate(document, 1)]


def read_entry(item: object, where: str) -> Entry:
    if not isinstance(item, dict) or not item.get("reason") or not {"file", "code"} & item.keys() or item.keys() - KEYS:
        raise BadInput(f"{where}: needs `reason`, and `file` or `code`; `functions` may narrow it; nothing else: {item}")
    functions = item.get("functions", [])
    if not isinstance(functions, list) or not all(isinstance(name, str) for name in functions):
        raise BadInput(f"{where}: `functions` must be a list of names: {functions}")
    try:
        patterns = {key: re.compile(str(item[key])) for key in ("file", "code") if key in item}
    except re.error as error:
        raise BadInput(f"{where}: not a regular expression: {error}") from None
    return Entry(str(item["reason"]), patterns, set(functions), where)


def plain(name: str) -> str:
    """hv::(anonymous namespace)::take<hv::Item> -> take"""
    if "operator" in name:
        return "operator" + name.rpartition("operator")[2]
    while (without := re.sub(r"<[^<>]*>", "", name)) != name:
        name = without
    return name.rpartition("::")[2]


def demangle(names: list[str]) -> dict[str, str]:
    """Plain names: without namespaces, arguments and the file that makes a static name unique."""
    linked = [name.rpartition(":")[2] for name in names]
    done = subprocess.run(["c++filt", "-p"], input="\n".join(linked), capture_output=True, text=True, check=True)
    return dict(zip(names, (plain(name) for name in done.stdout.splitlines())))


def holes_of(path: str, source: SourceFile, names: dict[str, str], code: list[str]) -> list[Hole]:
    """One for each line that is not executed, or has a branch with a side that is not taken."""
    missed = {line: "not executed" for line, count in source.lines.items() if count == 0}
    sides: dict[int, list[int]] = {}
    for (line, _, _), count in source.branches.items():
        sides.setdefault(line, []).append(count)
    for line, counts in sides.items():
        if 0 in counts:
            missed.setdefault(line, f"{counts.count(0)} of {len(counts)} sides not taken")
    return [Hole(path, line, what, names.get(source.function_at(line), ""),
                 code[line - 1].strip() if line <= len(code) else "")
            for line, what in sorted(missed.items())]


def check(files: Tracefile, entries: list[Entry], root: Path) -> Checked:
    names = demangle(sorted({name for source in files.values() for name in source.functions}))
    result = Checked()
    for path, source in sorted(files.items()):
        code = (root / path).read_text(encoding="utf-8").splitlines()
        for hole in holes_of(path, source, names, code):
            entry = next((entry for entry in entries if entry.explains(hole)), None)
            if entry is None:
                result.unexplained.append(hole)
            else:
                entry.used.add(hole.function)
                result.explained.append(hole)
    result.stale = [entry for entry in entries if entry.stale()]
    return result
