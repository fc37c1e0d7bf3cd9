"""Which functions of the real Xen's hypercall handlers were executed: its symbols, and QEMU's log of translated code."""

import bisect
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tracefile import BadInput


@dataclass(frozen=True)
class Symbol:
    address: int
    size: int
    name: str
    file: str | None  # of local functions only


@dataclass
class Function:
    name: str
    file: str
    parts: list[Symbol] = field(default_factory=list)  # the compiler moves the unlikely part of a function elsewhere


def parse_symbols(readelf: str, name: str) -> list[Symbol]:
    """Functions in the section .text, by address, from `readelf -SsW`."""
    text = re.search(r"^\s*\[\s*(\d+)\]\s+\.text\s", readelf, re.MULTILINE)
    if text is None:
        raise BadInput(f"{name}: has no section .text; it should be xen-syms of the -dbg package")
    symbols, file = [], None
    for line in readelf.splitlines():
        words = line.split()
        if len(words) < 8 or not re.fullmatch(r"\d+:", words[0]):
            continue
        _, value, size, kind, binding, _, section, symbol = words[:8]
        if kind == "FILE":
            file = symbol
        elif kind == "FUNC" and section == text.group(1):
            symbols.append(Symbol(int(value, 16), int(size, 0), symbol, file if binding == "LOCAL" else None))
    if not symbols:
        raise BadInput(f"{name}: has no symbols of functions; it should be xen-syms of the -dbg package")
    return sorted(symbols, key=lambda symbol: symbol.address)


def plain_name(symbol: str) -> str:
    """Without what the compiler adds to copies and parts of a function."""
    return re.sub(r"\.(cold|constprop|isra|part)(\.\d+)?", "", symbol)


def read_units(path: Path) -> list[dict]:
    try:
        units = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: {error}") from None
    if not isinstance(units, list) or not all(isinstance(unit, dict) and "file" in unit and
                                              unit.keys() <= {"file", "first", "last"} for unit in units):
        raise BadInput(f"{path}: must be a list of entries with `file` and, where needed, `first` and `last`")
    return units


def place_of(symbols: list[Symbol], name: str, unit: str) -> int:
    for index, symbol in enumerate(symbols):
        if symbol.name == name and symbol.file in (None, unit):
            return index
    raise BadInput(f"xen_units.yaml: {unit}: Xen has no function {name}; another version? Correct the entry")


def bounds(symbols: list[Symbol], unit: dict) -> tuple[int, int]:
    """Indices of the first and the last function of an object file."""
    file = unit["file"]
    local = [index for index, symbol in enumerate(symbols) if symbol.file == file and ".cold" not in symbol.name]
    if not local and not {"first", "last"} <= unit.keys():
        raise BadInput(f"xen_units.yaml: {file}: has no local functions, so both `first` and `last` are needed")
    first = place_of(symbols, unit["first"], file) if "first" in unit else local[0]
    last = place_of(symbols, unit["last"], file) if "last" in unit else local[-1]
    if last < first:
        raise BadInput(f"xen_units.yaml: {file}: {symbols[last].name} comes before {symbols[first].name}")
    return first, last


def functions_of(symbols: list[Symbol], units: list[dict]) -> list[Function]:
    """All functions of the units, by unit. Throws BadInput when two units claim the same global function."""
    names = {unit["file"] for unit in units}
    file_at = {index: symbol.file for index, symbol in enumerate(symbols) if symbol.file in names}
    for unit in units:
        first, last = bounds(symbols, unit)
        for index in range(first, last + 1):
            if symbols[index].file is not None:
                continue
            if index in file_at:
                raise BadInput(f"xen_units.yaml: {symbols[index].name} is in {file_at[index]} and in {unit['file']}")
            file_at[index] = unit["file"]
    found: dict[tuple[str, str], Function] = {}
    for index, file in file_at.items():
        name = plain_name(symbols[index].name)
        found.setdefault((file, name), Function(name, file)).parts.append(symbols[index])
    by_name: dict[str, list[Function]] = {}
    for function in found.values():
        by_name.setdefault(function.name, []).append(function)
    for index, symbol in enumerate(symbols):
        owners = by_name.get(plain_name(symbol.name), [])
        if index not in file_at and ".cold" in symbol.name and len(owners) == 1:
            owners[0].parts.append(symbol)
    return list(found.values())


def homeless_handlers(symbols: list[Symbol], functions: list[Function], hypercalls: list[str]) -> list[str]:
    """Handlers of hypercalls that Xen has and no unit holds."""
    held = {function.name for function in functions}
    return [f"do_{name}" for name in hypercalls
            if f"do_{name}" not in held and any(symbol.name == f"do_{name}" for symbol in symbols)]


ADDRESS = re.compile(r"^0x([0-9a-f]{8,16}):(\s|$)")


def executed_blocks(log: str, name: str) -> set[int]:
    """Where blocks begin that QEMU translated because they were about to run, from `-d in_asm`.

    Throws BadInput when there is none: with an empty log, everything would count as not reached.
    """
    starts, expect = set(), False
    for line in log.splitlines():
        if line.startswith("IN:"):
            expect = True
            continue
        match = ADDRESS.match(line)
        if match and expect:
            starts.add(int(match.group(1), 16))
        expect = expect and not match
    if not starts:
        raise BadInput(f"{name}: names no translated code; was QEMU started with -d in_asm and a -dfilter of Xen's text?")
    return starts


def reached(functions: list[Function], blocks: set[int]) -> set[tuple[str, str]]:
    """(file, name) of the functions in which one of the blocks begins."""
    ordered = sorted(blocks)
    result = set()
    for function in functions:
        for part in function.parts:
            at = bisect.bisect_left(ordered, part.address)
            if at < len(ordered) and ordered[at] < part.address + max(part.size, 1):
                result.add((function.file, function.name))
    return result
