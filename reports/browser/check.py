#!/usr/bin/env python3
"""Opens report pages in a headless Chromium as people do: narrow and wide, light and dark, by keyboard, on paper, without
script, with data that is damaged or hostile. Expects what reports/README.md promises.

Usage: reports/browser/check.py BIN [--screenshots DIR] [CHECK]...   BIN is the folder of `assay`.
Exit code 77 when this machine has no Chromium.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import chromium  # noqa: E402
import samples  # noqa: E402

PAGE_BYTES_MAX = 3_000_000
WIDTHS = (390, 1280)
CONTRAST_MIN = 4.5  # WCAG 2, AA

OVERFLOW = """[...document.querySelectorAll('body *')].filter((e) => e.checkVisibility() &&
  e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.steps, .sr, .skip, pre')).slice(0, 3)
  .map((e) => e.tagName + '.' + e.className + ' ' + Math.round(e.getBoundingClientRect().right))"""

CONTRAST = """(() => {
  const parse = (text) => { const m = text.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const light = (c) => { const f = (v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
    return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]); };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c[3] === 1) return c; } return parse('rgb(255,255,255)'); };
  const poor = new Map();
  for (const e of document.querySelectorAll('body *')) {
    if (!e.checkVisibility() || e.closest('.sr') || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < LIMIT) poor.set(e.tagName + '.' + e.className, Math.round(ratio * 100) / 100);
  }
  return [...poor].slice(0, 5);
})()"""


FOCUS = """(() => {
  const e = document.activeElement, s = getComputedStyle(e);
  return {what: e.id || e.className || e.tagName, name: e.ariaLabel || e.labels?.[0]?.textContent || e.textContent,
          ring: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0, y: e.getBoundingClientRect().top + scrollY};
})()"""

TWICE = """(() => {
  const all = [...document.querySelectorAll('[id]')].map((e) => e.id);
  return all.length - new Set(all).size;
})()"""


class Failed(Exception):
    """What was expected and what came instead."""


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Failed(what)


class Reports:
    """The pages that the checks look at, made once."""

    def __init__(self, assay: Path, out: Path):
        self.assay = assay
        self.out = out
        self.folders = samples.make(assay, out)
        self.three = self.report("three", *map(str, self.folders))
        self.good = self.report("good", str(self.folders[0]))
        self.vendor_results = json.loads((self.folders[2] / "results.json").read_text())

    def report(self, name: str, *args: str) -> Path:
        run = subprocess.run([str(self.assay), "report", *args, "--out", str(self.out / name)], capture_output=True, text=True,
                             check=False)
        expect(run.returncode in (0, 1), f"assay report {' '.join(args)}: {run.stderr}")
        return self.out / name / "index.html"

    def changed(self, name: str, change) -> Path:
        """A copy of the vendor's results after `change`."""
        results = json.loads(json.dumps(self.vendor_results))
        change(results)
        return samples.write(self.out / name, results)


class Context:
    """What a check works with."""

    def __init__(self, browser: chromium.Browser, reports: Reports, screenshots: Path | None):
        self.browser = browser
        self.reports = reports
        self.screenshots = screenshots

    def shoot(self, page: chromium.Page, name: str, whole: bool = False) -> None:
        if self.screenshots:
            page.screenshot(self.screenshots / f"{name}.png", whole)


def shown(page: chromium.Page) -> int:
    """How many rows the list says that it has."""
    return int(re.search(r"[\d,]+", page.run("document.getElementById('shown').textContent")).group().replace(",", ""))


def open_one(page: chromium.Page) -> None:
    """Opens the first case of the list with its steps."""
    page.run("document.querySelector('#explorer .item > summary').click()")
    page.wait("document.querySelector('#explorer .evidence .stepsbox')")
    page.run("document.querySelector('#explorer .evidence .stepsbox').open = true")
    page.wait("document.querySelector('#explorer .steps li')")


def everything_fits(c: Context) -> None:
    for width in WIDTHS:
        for dark in (False, True):
            page = c.browser.page(width, dark=dark)
            name = f"{width}-{'dark' if dark else 'light'}"
            for fragment, view in (("", "top"), ("#?view=cases&verdict=fail", "cases"), ("#?area=event_channel_op", "area")):
                page.open(c.reports.three, fragment)
                if view != "top":
                    open_one(page) if view == "cases" else page.run("document.querySelector('#explorer summary').click()")
                wide = page.run("document.documentElement.scrollWidth")
                expect(wide <= width, f"{name} {view}: {wide} pixels wide: {page.run(OVERFLOW)}")
                poor = page.run(CONTRAST.replace("LIMIT", str(CONTRAST_MIN)))
                expect(not poor, f"{name} {view}: too little contrast: {poor}")
                c.shoot(page, f"{view}-{name}")
            expect(not page.messages(), f"{name}: {page.messages()}")
            page.close()


def page_is_one_file(c: Context) -> None:
    page = c.browser.page(1280)
    page.open(c.reports.three)
    size = c.reports.three.stat().st_size
    print(f"  three targets, {len(c.reports.vendor_results['cases']):,} variants: {size:,} bytes, ready after "
          f"{page.run('document.documentElement.dataset.ready')} ms", flush=True)
    expect(size < PAGE_BYTES_MAX, f"{size} bytes")
    others = [url for url in page.requests() if not url.startswith((c.reports.three.as_uri(), "about:"))]
    expect(not others, f"it loads {others}")


def what_matters_comes_first(c: Context) -> None:
    page = c.browser.page(1280)
    page.open(c.reports.three)
    order = page.run("[...document.querySelectorAll('main > section')].map((e) => e.id)")
    expect(order == ["verdict", "unexpected", "areas", "explorer"], f"sections: {order}")
    unexpected = [case for case in c.reports.vendor_results["cases"] if not case["expected"]]
    heading = page.run("document.querySelector('#unexpected h2').textContent")
    expect(heading == f"Unexpected ({len(unexpected)})", heading)
    first = page.run("document.querySelector('.finding .chip').textContent")
    expect("crash" in first, f"the worst comes first, not {first}")
    page.open(c.reports.good)
    expect("All as expected" in page.run("document.querySelector('.headline').textContent"), "a good run says so")
    expect(not page.run("document.getElementById('unexpected')"), "and has no section of unexpected results")


def url_holds_the_state(c: Context) -> None:
    page = c.browser.page(1280)
    failing = [case["id"] for case in c.reports.vendor_results["cases"] if case["verdict"] == "fail"]
    page.open(c.reports.three, "#?view=cases&verdict=fail&target=acme")
    expect(shown(page) == len(failing), f"{shown(page)} shown, {len(failing)} fail")
    expect(page.run("document.getElementById('filter-verdict').value") == "fail", "the filter shows its value")
    page.open(c.reports.three, "#?view=cases")
    page.run("document.getElementById('filter-q').focus()")
    page.type(failing[0].partition("@")[0])
    count, fragment = shown(page), page.run("location.hash")
    expect(0 < count < 10 and "q=" in fragment, f"{count} rows, {fragment}")
    page.run("document.querySelector('#explorer .item > summary').click()")
    page.wait("location.hash.includes('open=')")
    fragment = page.run("location.hash")
    page.open(c.reports.three, fragment)
    expect(shown(page) == count, f"the same link shows {shown(page)}, not {count}")
    expect(page.run("document.querySelectorAll('#explorer .item[open]').length") == 1, "what was open is open")
    page.run("document.getElementById('filter-reset').click()")
    expect(shown(page) == len(c.reports.vendor_results["cases"]), "Clear shows all")
    page.open(c.reports.three, "#?verdict=differs")
    expect(0 < shown(page) < 704, "requirements that targets differ in")
    last = c.reports.vendor_results["requirements"][-1]["id"]
    page.open(c.reports.three, f"#?open={last}")
    expect(page.run(f"document.getElementById('item-{last}').querySelector('details').open"), "a link to the last row opens it")


def matrix_leads_to_the_list(c: Context) -> None:
    page = c.browser.page(1280)
    page.open(c.reports.three)
    rows = page.run("document.querySelectorAll('.matrix tbody tr').length")
    areas = {row["hypercall"] for row in c.reports.vendor_results["requirements"]}
    expect(rows == len(areas), f"{rows} rows, {len(areas)} areas")
    page.run("[...document.querySelectorAll('.cell')].find((e) => e.ariaLabel.startsWith('grant_table_op on xen')).click()")
    wanted = sum(1 for row in c.reports.vendor_results["requirements"] if row["hypercall"] == "grant_table_op")
    expect(shown(page) == wanted, f"{shown(page)} shown, {wanted} requirements in the area")
    expect("area=grant_table_op" in page.run("location.hash"), "and the URL says so")


def requirement_leads_to_evidence(c: Context) -> None:
    page = c.browser.page(1280)
    row = next(row for row in c.reports.vendor_results["requirements"] if len(row["cases"]) > 1)
    page.open(c.reports.three, f"#?q={row['id']}&open={row['id']}")
    body = page.run("document.querySelector('#explorer .item[open] .body').textContent")
    expect(row["source"] in body and row["text"] in body, "the requirement says what it demands and where it was read")
    inner = page.run("[...document.querySelectorAll('#explorer .nested .id')].map((e) => e.textContent)")
    expect(sorted(inner) == sorted(row["cases"]), f"its cases: {inner}")
    page.run("document.querySelector('#explorer .nested summary').click()")
    page.wait("document.querySelector('#explorer .nested .evidence .stepsbox')")
    page.run("document.querySelector('#explorer .nested .stepsbox').open = true")
    page.wait("document.querySelectorAll('#explorer .nested .steps li').length > 0")
    case = next(case for case in c.reports.vendor_results["cases"] if case["id"] == inner[0])
    text = page.run("document.querySelector('#explorer .nested .body').textContent")
    expect(case["reproduce"] in text and case["rule"] in text, "the case has its rule and the line that reproduces it")
    expect(case["steps"][0]["text"] in text, "and its steps, decoded")


def keyboard_reaches_everything(c: Context) -> None:
    page = c.browser.page(1280)
    page.open(c.reports.three)
    seen = []
    for _ in range(14):
        page.tab()
        seen.append(page.run(FOCUS))
    expect(seen[0]["what"] == "skip", f"first comes the way past it all: {seen[0]}")
    expect(seen[1]["what"] == "theme", f"then the theme: {seen[1]}")
    expect(all(each["ring"] for each in seen), f"focus is seen: {[each for each in seen if not each['ring']]}")
    expect(all(each["name"] for each in seen), f"everything has a name: {[each for each in seen if not each['name']]}")
    tops = [each["y"] for each in seen[4:]]
    expect(tops == sorted(tops), f"focus goes down the page: {tops}")
    page.press("/", "Slash", 191, "/")
    expect(page.run("document.activeElement.id") == "filter-q", "/ leads to the search")
    page.run("document.querySelector('#explorer .item > summary').focus()")
    page.press("Enter", "Enter", 13, "\r")
    expect(page.run("document.querySelector('#explorer .item').open"), "Enter opens a row")
    page.run("document.querySelector('.skip').focus()")
    page.press("Enter", "Enter", 13, "\r")
    expect(page.run("document.activeElement.id") == "explorer", "the first link leads to the list")


def screen_readers_are_told(c: Context) -> None:
    page = c.browser.page(1280)
    page.open(c.reports.three, "#?view=cases&verdict=fail")
    open_one(page)
    nodes = page.accessibility()
    roles = {node["role"] for node in nodes}
    for role in ("banner", "main", "contentinfo", "search", "status", "table", "rowheader", "columnheader", "list", "heading"):
        expect(role in roles, f"there is a {role}")
    regions = {node["name"] for node in nodes if node["role"] == "region"}
    expect({"Verdict", "Areas by target", "Requirements, cases, evidence"} <= regions, f"regions are named: {regions}")
    for role in ("button", "link", "combobox", "searchbox", "region", "table", "DisclosureTriangle"):
        nameless = [node for node in nodes if node["role"] == role and not node["name"].strip()]
        expect(not nameless, f"{len(nameless)} of role {role} have no name")
    levels = page.run("[...document.querySelectorAll('h1, h2, h3')].map((e) => +e.tagName[1])")
    expect(levels[0] == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:])), "headings leave no level out")
    expect(page.run("document.documentElement.lang") == "en", "the language is known")
    twice = page.run(TWICE)
    expect(twice == 0, f"{twice} ids are there twice")


def paper_has_it_all(c: Context) -> None:
    page = c.browser.page(1280, dark=True)
    page.open(c.reports.three, "#?view=requirements&area=event_channel_op")
    wanted = shown(page)
    pdf = page.print_pdf()
    expect(pdf.startswith(b"%PDF"), "it prints")
    expect(page.run("document.querySelectorAll('#explorer .items > li').length") == wanted, "every row of the filter is printed")
    page.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    expect(page.run("getComputedStyle(document.querySelector('.filters')).display") == "none", "controls are not")
    expect(page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", "paper is white")
    c.shoot(page, "print")


def without_script_there_is_a_summary(c: Context) -> None:
    page = c.browser.page(390, script=False)
    page.open(c.reports.three, ready=None)
    c.shoot(page, "no-script")
    tree = " ".join(node["name"] for node in page.accessibility() if node["role"] == "StaticText")
    expect("With JavaScript" in tree and "Acme hypervisor" in tree, "verdicts are there")
    expect("tools/assay grade --target ./acme.so" in tree, "and the lines that reproduce what is unexpected")


def damaged_data_is_said_to_be(c: Context) -> None:
    text = c.reports.three.read_text()
    start = text.index('id="data">') + len('id="data">')
    damaged = c.reports.out / "damaged.html"
    damaged.write_text(text[:start + 5000] + text[text.index("</script>", start):])
    page = c.browser.page(1280)
    page.open(damaged, ready="document.querySelector('.fallback-note:not(:empty)')?.textContent.includes('damaged')")
    expect(page.run("document.querySelector('.fallback').checkVisibility({visibilityProperty: true})"), "the summary is shown")


def hostile_text_stays_text(c: Context) -> None:
    nasty = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>\u202e{{data}}"

    def spoil(results):
        results["target"]["name"] = nasty
        for case in results["cases"][:40]:
            case.update(verdict="fail", expected=False, message=nasty, rule=nasty, reason=nasty,
                        link="javascript:window.hacked=1")
            case["steps"] = [{"vcpu": nasty, "kind": nasty, "text": nasty}]

    page = c.browser.page(390)
    page.open(c.reports.report("hostile", str(c.reports.changed("hostile-results", spoil))), "#?view=cases&verdict=fail")
    open_one(page)
    expect(page.run("window.hacked") is None, "nothing of it runs")
    expect(page.run("document.querySelectorAll('a[href^=javascript]').length") == 0, "nor is it a link")
    expect(page.run("document.documentElement.scrollWidth") <= 390, "and it fits")


def difference_is_sorted(c: Context) -> None:
    def later(results):
        cases = results["cases"]
        bad = [case for case in cases if case["verdict"] == "fail"]
        good = [case for case in cases if case["verdict"] == "pass"]
        for case in bad[:3]:
            case.update(verdict="pass", expected=True, message="")
        for case in good[:2]:
            case.update(verdict="fail", expected=False, message="it did work once")
        good[2]["id"] = "a.case.that_is_new"
        results["suite"].update(version="0.2.0", digest="0x" + "ab" * 8)

    folder = c.reports.changed("later", later)
    page = c.browser.page(1280)
    page.open(c.reports.report("difference", str(folder), "--diff", str(c.reports.folders[2])))
    tally = page.run("[...document.querySelectorAll('.tally li')].map((e) => e.textContent)")
    expect(tally == ["2Regressed", "3Fixed", "0Changed", "1New", "1Gone"], f"{tally}")
    order = page.run("[...document.querySelectorAll('main > section')].map((e) => e.id)")
    expect(order[:2] == ["verdict", "changes"], f"{order}")
    expect("suite 0.2.0" in page.run("document.querySelector('.caveats').textContent"), "another suite is a caveat")
    c.shoot(page, "difference-1280")
    page.run("document.querySelector('.changes .plain').click()")
    page.wait("document.querySelector('#explorer .item[open]')")
    narrow = c.browser.page(390, dark=True)
    narrow.open(c.reports.out / "difference" / "index.html")
    expect(narrow.run("document.documentElement.scrollWidth") <= 390, "it fits a narrow screen")
    c.shoot(narrow, "difference-390")


def no_steps_is_no_harm(c: Context) -> None:
    def strip(results):
        for case in results["cases"]:
            case.pop("steps", None)

    page = c.browser.page(1280)
    page.open(c.reports.report("plain", str(c.reports.changed("plain-results", strip))), "#?view=cases")
    page.run("document.querySelector('#explorer .item > summary').click()")
    expect(page.run("document.querySelector('#explorer .command code').textContent").startswith("tools/assay"), "a case opens")
    expect(page.run("document.querySelectorAll('#explorer .stepsbox').length") == 0, "and has no steps")
    expect(not page.messages(), f"{page.messages()}")


CHECKS = [page_is_one_file, everything_fits, what_matters_comes_first, url_holds_the_state, matrix_leads_to_the_list,
          requirement_leads_to_evidence, keyboard_reaches_everything, screen_readers_are_told, paper_has_it_all,
          without_script_there_is_a_summary, damaged_data_is_said_to_be, hostile_text_stays_text, difference_is_sorted,
          no_steps_is_no_harm]


def play(checks: list, description: str, make_context) -> int:
    """What a program that checks pages does: `make_context(browser, assay, folder, screenshots)`, and each check with it."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", type=Path)
    parser.add_argument("checks", nargs="*", metavar="CHECK", choices=[[], *[check.__name__ for check in checks]])
    parser.add_argument("--screenshots", type=Path, metavar="DIR", help="save what is seen there")
    options = parser.parse_args()
    if chromium.find() is None:
        print("there is no Chromium on this machine: nothing was tried")
        return 77
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    failures = 0
    with tempfile.TemporaryDirectory(prefix="assay-pages-") as out, chromium.Browser() as browser:
        context = make_context(browser, options.bin.resolve() / "assay", Path(out), options.screenshots)
        for check in checks:
            if options.checks and check.__name__ not in options.checks:
                continue
            try:
                check(context)
                print(f"passed: {check.__name__}", flush=True)
            except (Failed, chromium.BrowserError) as failure:
                failures += 1
                print(f"FAILED: {check.__name__}: {failure}", flush=True)
    return 1 if failures else 0


def main() -> int:
    return play(CHECKS, __doc__, lambda browser, assay, out, screenshots: Context(browser, Reports(assay, out), screenshots))


if __name__ == "__main__":
    sys.exit(main())
