"""lcov tracefiles: what was executed, by source file."""

from dataclasses import dataclass, field
from pathlib import Path


class BadInput(Exception):
    """A file that cannot be used: which, where, and what to do."""


@dataclass
class SourceFile:
    lines: dict[int, int] = field(default_factory=dict)                        # line: times executed
    branches: dict[tuple[int, str, str], int] = field(default_factory=dict)    # (line, block, branch): times taken
    functions: dict[str, int] = field(default_factory=dict)                    # name as linked: first line

    def function_at(self, line: int) -> str:
        """Name of the function whose body `line` is in: the last that starts at or before it."""
        before = [(start, name) for name, start in self.functions.items() if start <= line]
        return max(before)[1] if before else ""


Tracefile = dict[str, SourceFile]  # by source path


def number(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadInput(f"{where}: '{text}' is not a number; the tracefile is damaged, run tools/coverage again") from None


def take_record(source: SourceFile, kind: str, values: list[str], where: str) -> None:
    if kind == "FN":
        source.functions[",".join(values[1:])] = number(values[0], where)
    elif kind == "DA":
        line = number(values[0], where)
        source.lines[line] = source.lines.get(line, 0) + number(values[1], where)
    elif kind == "BRDA":
        key = (number(values[0], where), values[1], values[2])
        taken = 0 if values[3] == "-" else number(values[3], where)
        source.branches[key] = source.branches.get(key, 0) + taken


FIELDS_MIN = {"FN": 2, "DA": 2, "BRDA": 4}


def parse(text: str, name: str) -> Tracefile:
    """Throws BadInput: a record that is damaged or outside of a file's section, a section that does not end, no section."""
    files: Tracefile = {}
    source: SourceFile | None = None
    for position, line in enumerate(text.splitlines(), 1):
        where = f"{name}:{position}"
        kind, _, rest = line.partition(":")
        if kind == "SF":
            source = files.setdefault(rest, SourceFile())
        elif line == "end_of_record":
            source = None
        elif kind in FIELDS_MIN:
            values = rest.split(",")
            if source is None or len(values) < FIELDS_MIN[kind]:
                raise BadInput(f"{where}: '{line}' is incomplete or belongs to no file; run tools/coverage again")
            take_record(source, kind, values, where)
    if source is not None or not files:
        raise BadInput(f"{name}: ends in the middle or holds nothing; run tools/coverage again")
    return files


def read(path: Path) -> Tracefile:
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None


@dataclass
class Totals:
    lines: int = 0
    lines_hit: int = 0
    branches: int = 0
    branches_hit: int = 0

    def add(self, source: SourceFile) -> None:
        self.lines += len(source.lines)
        self.lines_hit += sum(1 for count in source.lines.values() if count)
        self.branches += len(source.branches)
        self.branches_hit += sum(1 for count in source.branches.values() if count)

    @staticmethod
    def share(hit: int, of: int) -> float:
        return 100 * hit / of if of else 100.0

    def as_json(self) -> dict:
        return {"lines": self.lines, "lines_hit": self.lines_hit,
                "lines_percent": round(self.share(self.lines_hit, self.lines), 2),
                "branches": self.branches, "branches_hit": self.branches_hit,
                "branches_percent": round(self.share(self.branches_hit, self.branches), 2)}


def totals(files: Tracefile) -> Totals:
    result = Totals()
    for source in files.values():
        result.add(source)
    return result


def line_sums(pair: tuple[Tracefile, Tracefile]) -> dict[tuple[str, int], int]:
    added: dict[tuple[str, int], int] = {}
    for files in pair:
        for path, source in files.items():
            for line, count in source.lines.items():
                added[path, line] = added.get((path, line), 0) + count
    return added


def miscounted(one: tuple[Tracefile, Tracefile], other: tuple[Tracefile, Tracefile]) -> list[str]:
    """Lines whose counts do not add up to the same in both pairs of runs: see `verify_counts` of tools/coverage."""
    a, b = line_sums(one), line_sums(other)
    return [f"{path}:{line}: {a.get((path, line))} and {b.get((path, line))}"
            for path, line in sorted(a.keys() | b.keys()) if a.get((path, line)) != b.get((path, line))]
