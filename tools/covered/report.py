"""What tools/coverage prints and writes: tables as text and as pages of HTML."""

import html
from pathlib import Path

from tracefile import Totals, Tracefile, totals
from xen_functions import Function

STYLE = """<!doctype html><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em }}
table {{ border-collapse: collapse }} th, td {{ border-bottom: 1px solid #ccc; padding: .2em .8em; text-align: left }}
td.number {{ text-align: right }} .no {{ background: #fdd }}
</style><h1>{title}</h1>
"""


def shares(found: Totals) -> list[str]:
    return [f"{Totals.share(found.lines_hit, found.lines):.1f} % of {found.lines:,}",
            f"{Totals.share(found.branches_hit, found.branches):.1f} % of {found.branches:,}"]


def as_text(header: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = [[row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
             for row in [header, *rows]]
    return "\n".join("  ".join(line).rstrip() for line in lines)


def as_html(header: list[str], rows: list[list[str]]) -> str:
    """Cells that start with '<' are HTML already."""
    def cells(row: list[str], tag: str) -> str:
        return "".join(f"<{tag}>{cell if cell.startswith('<') else html.escape(cell)}</{tag}>" for cell in row)

    body = "".join(f"<tr{' class=no' if row[-1] == 'no' else ''}>{cells(row, 'td')}</tr>\n" for row in rows)
    return f"<table><tr>{cells(header, 'th')}</tr>\n{body}</table>\n"


def core_rows(suites: dict[str, Tracefile]) -> list[list[str]]:
    return [[name, *shares(totals(files))] for name, files in suites.items()]


def file_rows(files: Tracefile) -> list[list[str]]:
    return [[path, *shares(totals({path: source}))] for path, source in sorted(files.items())]


def core_page(folder: Path, suites: dict[str, Tracefile]) -> None:
    rows = [[f'<a href="{html.escape(row[0])}/index.html">{html.escape(row[0])}</a>', *row[1:]] for row in core_rows(suites)]
    text = STYLE.format(title="Coverage of hv by suite") + as_html(["suite", "lines", "branches"], rows)
    (folder / "index.html").write_text(text, encoding="utf-8")


def unit_rows(functions: list[Function], by_suite: dict[str, set]) -> list[list[str]]:
    """For each object file: how many of its functions each suite reached."""
    files: dict[str, list[Function]] = {}
    for function in functions:
        files.setdefault(function.file, []).append(function)

    def row(name: str, held: list[Function]) -> list[str]:
        counts = [sum(1 for one in held if (one.file, one.name) in done) for done in by_suite.values()]
        return [name, str(len(held)), *(str(count) for count in counts)]

    return [row(name, held) for name, held in sorted(files.items())] + [row("all", functions)]


def function_rows(functions: list[Function], by_suite: dict[str, set]) -> list[list[str]]:
    ordered = sorted(functions, key=lambda one: (one.file, one.parts[0].address))
    return [[one.name, one.file, ", ".join(suite for suite, done in by_suite.items() if (one.file, one.name) in done),
             "yes" if any((one.file, one.name) in done for done in by_suite.values()) else "no"] for one in ordered]


def xen_json(functions: list[Function], by_suite: dict[str, set]) -> list[dict]:
    return [{"function": name, "object": file, "reached": reached == "yes", "suites": suites.split(", ") if suites else []}
            for name, file, suites, reached in function_rows(functions, by_suite)]


def xen_page(folder: Path, functions: list[Function], by_suite: dict[str, set]) -> None:
    text = STYLE.format(title="Functions of the real Xen's hypercall handlers") + "<h2>By object file</h2>" + \
        as_html(["object file", "functions", *(f"reached by {suite}" for suite in by_suite)], unit_rows(functions, by_suite)) + \
        "<h2>Functions</h2>" + \
        as_html(["function", "object file", "suites", "reached"], function_rows(functions, by_suite))
    (folder / "xen.html").write_text(text, encoding="utf-8")
