#!/usr/bin/env python3
"""Opens the pages of moved domains in a headless Chromium: moves that fail, a part of a sweep, moves to and fro; narrow and
wide, light and dark, by keyboard, with a hostile name.

Usage: reports/browser/migration_check.py BIN [--screenshots DIR] [CHECK]...   BIN is the folder of `assay`.
Exit code 77 when this machine has no Chromium.
"""

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import check  # noqa: E402
import chromium  # noqa: E402
from check import expect  # noqa: E402

NASTY = "<img src=x onerror='window.hacked=1'>"
MOVES, EVERY = 60, 100
CUT = "[...document.querySelectorAll('.wide')].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.ariaLabel)"


class Pages:
    """The pages that the checks look at, made once."""

    def __init__(self, browser: chromium.Browser, assay: Path, out: Path, screenshots: Path | None):
        self.browser, self.assay, self.out, self.screenshots = browser, assay, out, screenshots
        self.wrong = self.make(1, "wrong", "--guest", "pvh", "--live", "--moves", "5", "--fault",
                               "logdirty.hypervisor_writes_missed")
        self.sweep = self.make(0, "sweep", "--sweep", "--every", str(EVERY))
        self.moves = self.make(0, f"moves{NASTY}", "--guest", "pvh", "--live", "--moves", str(MOVES))
        self.all = (self.wrong, self.sweep, self.moves)

    def make(self, code: int, name: str, *words: str) -> Path:
        folder = self.out / name
        run = subprocess.run([str(self.assay), "migrate", *words, "--out", str(folder)], capture_output=True, text=True,
                             check=False)
        expect(run.returncode == code, f"assay migrate {' '.join(words)}: {run.returncode}: {run.stdout}{run.stderr}")
        return folder

    def open(self, folder: Path, width: int = 1280, dark: bool = False) -> chromium.Page:
        page = self.browser.page(width, dark=dark)
        page.open(folder / "migration.html", ready=None)
        return page


def results_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


def facts_of(page: chromium.Page) -> dict:
    """What is said of the move that is drawn."""
    return dict(page.run("[...document.querySelectorAll('section[aria-labelledby=move] > .facts > div')]"
                         ".map((e) => [e.querySelector('dt').textContent, e.querySelector('dd').textContent])"))


def everything_fits(c: Pages) -> None:
    for folder in c.all:
        for width in check.WIDTHS:
            page = c.open(folder, width, dark=False)
            page.run("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
            name = f"{folder.name[:5]}-{width}"
            wide = page.run("document.documentElement.scrollWidth")
            expect(wide <= width, f"{name}: {wide} pixels wide: {page.run(check.OVERFLOW)}")
            expect(not page.run(CUT), f"{name}: tables that are cut: {page.run(CUT)}")
            for theme in ("light", "dark"):
                page.call("Emulation.setEmulatedMedia", media="", features=[{"name": "prefers-color-scheme", "value": theme}])
                poor = page.run(check.CONTRAST.replace("LIMIT", str(check.CONTRAST_MIN)))
                expect(not poor, f"{name}-{theme}: too little contrast: {poor}")
                if c.screenshots:
                    page.screenshot(c.screenshots / f"migration-{name}-{theme}.png", True)
            expect(not page.messages(), f"{name}: {page.messages()}")
            expect(page.run("document.images.length") == 0 and page.run("window.hacked") is None, f"{name}: text stays text")
            page.close()


def the_failing_move_is_drawn(c: Pages) -> None:
    wrong = next(case for case in results_of(c.wrong)["cases"] if not case["expected"])
    page = c.open(c.wrong)
    order = page.run("[...document.querySelectorAll('main h2')].map((e) => e.textContent)")
    expect(order[0] == "What is wrong" and order[1].startswith("Move 1 of 5: pvh.live"), f"what is wrong comes first: {order}")
    lines = page.run("[...document.querySelectorAll('.finding code')].map((e) => e.textContent)")
    expect(lines[0] == wrong["reproduce"] and "--pages 544" in lines[1], f"with the lines that repeat it: {lines}")
    facts = facts_of(page)
    expect(facts["From, to"] == "host a to host b" and facts["Seed"] == "1" and facts["Fault"] == "none", f"{facts}")
    expect(facts["Wrong"] in wrong["message"] and facts["Outcome"] == "arrived", f"{facts}")
    rounds = page.run("document.querySelectorAll('[aria-label=\"Rounds of this move\"] tbody tr').length")
    expect(facts["Sent"].split(" pages in ")[1].startswith(f"{rounds} rounds"), f"{rounds} rounds, {facts['Sent']}")
    lanes = page.run("[...document.querySelectorAll('.lane')].map((e) => e.ariaLabel)")
    expect("pre-copy 1" in lanes[0] and "stop-and-copy" in lanes[0] and "restores, then takes over, then runs" in lanes[1],
           f"both hosts have their lane: {lanes}")


def a_sweep_is_counted(c: Pages) -> None:
    results = results_of(c.sweep)
    page = c.open(c.sweep)
    points = page.run("[...document.querySelectorAll('.group td[data-column=Points]')].map((e) => +e.textContent)")
    expect(sum(points) == len(results["cases"]) > 20, f"each point is in the tables: {sum(points)}, {len(results['cases'])}")
    names = page.run("[...document.querySelectorAll('.group summary b')].map((e) => e.textContent)")
    expect("PAGE_DATA" in names and any(name.startswith("hypercall ") for name in names), f"{names}")
    facts = facts_of(page)
    expect(", in " in facts["Fault"] and facts["Outcome"].startswith("stayed: "), f"a fault that struck is drawn: {facts}")
    expect(page.run("document.querySelectorAll('.lane .mark').length") > 0, "and marked")


def distributions_have_every_move(c: Pages) -> None:
    page = c.open(c.moves)
    titles = page.run("[...document.querySelectorAll('.histogram')].map((e) => e.ariaLabel)")
    expect(len(titles) == 3 and all(f" of {MOVES} moves" in title for title in titles), f"{titles}")
    bars = page.run("[...document.querySelectorAll('.histogram')].map((e) => [...e.querySelectorAll('title')]"
                    ".reduce((sum, t) => sum + +t.textContent.split(': ')[1].split(' ')[0], 0))")
    expect(bars == [MOVES] * 3, f"each move is in a bar: {bars}")


def the_report_has_them(c: Pages) -> None:
    drawn = [case["picture"] for case in results_of(c.sweep)["cases"] if "picture" in case]
    expect(drawn == ["migration.html"], f"one case has a picture: {drawn}")
    run = subprocess.run([str(c.assay), "report", str(c.moves), str(c.sweep), "--out", str(c.out / "both")],
                         capture_output=True, text=True, check=False)
    expect(run.returncode == 0, f"assay report: {run.stderr}")
    page = c.browser.page(390)
    page.open(c.out / "both" / "index.html")
    links = page.run("[...document.querySelectorAll('#verdict .picture a')].map((e) => e.getAttribute('href'))")
    expect(len(links) == 2 and links[1] == "../sweep/migration.html", f"each run links to its page: {links}")
    expect(page.run("document.documentElement.scrollWidth") <= 390, "and it fits")


def keyboard_is_enough(c: Pages) -> None:
    page = c.open(c.sweep)
    seen = []
    for _ in range(40):
        page.tab()
        if page.run("document.activeElement === document.body"):
            break
        seen.append(page.run(check.FOCUS))
        if page.run("document.activeElement.tagName") == "SUMMARY":
            break
    expect(seen[0]["what"] == "skip" and all(each["name"].strip() and each["ring"] for each in seen), f"{seen}")
    page.press("Enter", "Enter", 13, "\r")
    expect(page.run("document.activeElement.parentElement.open"), "Enter opens a table")
    expect(page.run(check.TWICE) == 0, "no id is there twice")
    nodes = page.accessibility()
    for role in ("table", "rowheader", "columnheader", "image", "main", "heading"):
        expect(any(node["role"] == role for node in nodes), f"there is a {role}")


CHECKS = [everything_fits, the_failing_move_is_drawn, a_sweep_is_counted, distributions_have_every_move, the_report_has_them,
          keyboard_is_enough]

if __name__ == "__main__":
    sys.exit(check.play(CHECKS, __doc__, Pages))
