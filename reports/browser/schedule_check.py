#!/usr/bin/env python3
"""Opens the pictures of scenarios in a headless Chromium as people do: narrow and wide, light and dark, by mouse, by finger
and by keyboard; of a real run that breaks a promise, of a machine that is as large as they come, with hostile names.

Usage: reports/browser/schedule_check.py BIN [--screenshots DIR] [CHECK]...   BIN is the folder of `assay`.
Exit code 77 when this machine has no Chromium.
"""

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import check  # noqa: E402
import chromium  # noqa: E402
import schedule_samples  # noqa: E402
from check import expect  # noqa: E402

NASTY = "<img src=x onerror='window.hacked=1'></script><script>window.hacked=1</script>{{data}}"
SCENARIO = f"""
about: {json.dumps("A share that nobody can have. " + NASTY)}
machine: {{pcpus: 2}}
duration: 60ms
faults: {{signal_delay: 30us, timer_lateness: 20us}}
domains:
  - {{name: {json.dumps(NASTY)}, vcpus: 2, workload: {{kind: interactive, run: 300us, sleep: 900us}}}}
  - {{name: busy, vcpus: 3, workload: cpu-bound}}
actions:
  - {{at: 20ms, pause: {json.dumps(NASTY)}}}
  - {{at: 30ms, unpause: {json.dumps(NASTY)}}}
expect:
  - share: {{of: busy, at_least: 199%, from: 5ms, until: 50ms}}
"""
VIOLATION_NS = 50_000_000
RUN_NS = 1_000_000_000  # with the time that is given to show liveness
PCPUS, GUESTS, RUNS = 256, 64, 60_000
INTERVALS_MIN = 100_000
NARROWER = 1.2  # by so much at least a zoom is one

VIEW = "document.documentElement.dataset.view.split(' ').map(Number)"
BOX = """(() => { const b = document.querySelector('.timeline').getBoundingClientRect();
  return [b.left, b.top, b.width, b.height]; })()"""
# How many pixels of each canvas have the colour of violations.
RED = """(() => {
  const probe = document.body.appendChild(document.createElement('span'));
  probe.style.color = 'var(--fail)';
  const [r, g, b] = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
  probe.remove();
  return [...document.querySelectorAll('.timeline canvas')].map((c) => {
    const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);
    let n = 0;
    for (let i = 0; i < data.length; i += 4) n += data[i] === r && data[i + 1] === g && data[i + 2] === b ? 1 : 0;
    return n;
  });
})()"""
COLOURS = """(() => {
  const c = document.querySelector('.rows canvas');
  const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);
  return new Set(new Uint32Array(data.buffer)).size;
})()"""


class Pictures:
    """The pages that the checks look at, made once."""

    def __init__(self, browser: chromium.Browser, assay: Path, out: Path, screenshots: Path | None):
        self.browser = browser
        self.screenshots = screenshots
        self.out = out
        self.folder = out / "run"
        scenario = out / "nasty.yaml"
        scenario.write_text(SCENARIO)
        self.run = subprocess.run([str(assay), "run", str(scenario), "--seeds", "4..6", "--out", str(self.folder)],
                                  capture_output=True, text=True, check=False)
        self.real = self.folder / "schedule.html"
        expect(self.real.exists(), f"assay run makes a page: {self.run.stdout}{self.run.stderr}")
        self.text = self.real.read_text()
        self.many_data = schedule_samples.schedule(PCPUS, [(f"guest-{i}", 8) for i in range(GUESTS)], RUNS)
        self.many = schedule_samples.write(out / "many.html", self.text, self.many_data)
        self.few_data = schedule_samples.schedule(4, [("web", 4), ("db", 2), ("batch", 3)], 400)
        self.few = schedule_samples.write(out / "few.html", self.text, self.few_data)

    def open(self, file: Path, width: int = 1280, dark: bool = False) -> chromium.Page:
        page = self.browser.page(width, dark=dark)
        page.open(file)
        return page

    def shoot(self, page: chromium.Page, name: str, whole: bool = True) -> None:
        if self.screenshots:
            page.screenshot(self.screenshots / f"schedule-{name}.png", whole)


def view_of(page: chromium.Page) -> tuple[float, float]:
    """From when to when the timeline shows, once it has drawn."""
    page.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    start, end = page.run(VIEW)
    return start, end


def width_of(page: chromium.Page) -> float:
    start, end = view_of(page)
    return end - start


def middle(page: chromium.Page, row: int = 1) -> tuple[float, float]:
    """A place in the middle of a row of the timeline, which is scrolled into view."""
    page.run("document.querySelector('.timeline').scrollIntoView({block: 'start'})")
    left, top, width, _ = page.run(BOX)
    return left + width * 0.6, top + 64 + 22 * row - 10


def a_run_leaves_page_and_trace(c: Pictures) -> None:
    results = json.loads((c.folder / "results.json").read_text())
    drawn = [case["id"] for case in results["cases"] if "picture" in case]
    expect(drawn == ["nasty.seed4"], f"the first that fails is drawn: {drawn}")
    trace = json.loads((c.folder / "schedule.perfetto.json").read_text())
    events = trace["traceEvents"]
    names = {event["args"]["name"] for event in events if event["ph"] == "M"}
    expect(any(NASTY in name for name in names) and "pcpu 01" in names, f"tracks have names: {names}")
    remarks = [event["name"] for event in events if event["ph"] == "i"]
    expect(any("share of busy" in words for words in remarks), "the violation is a remark")
    expect(sum(1 for event in events if event["ph"] == "B") > 100, "and there are slices")
    index = c.open(c.folder / "index.html")
    links = index.run("[...document.querySelectorAll('.picture a')].map((e) => [e.getAttribute('href'), e.textContent])")
    expect(links and all(link == "./schedule.html" for link, _ in links), f"the report links to it: {links}")
    page = c.open(c.real)
    for file in page.run("[...document.querySelectorAll('.files a')].map((e) => e.getAttribute('href'))"):
        expect((c.folder / file).exists(), f"{file} is linked and there")
    others = [url for url in page.requests() if not url.startswith((c.real.as_uri(), "about:"))]
    expect(not others, f"it loads {others}")


def everything_fits(c: Pictures) -> None:
    for file in (c.real, c.few, c.many):
        for width in check.WIDTHS:
            for dark in (False, True):
                page = c.open(file, width, dark)
                name = f"{file.stem}-{width}-{'dark' if dark else 'light'}"
                wide = page.run("document.documentElement.scrollWidth")
                overflow = check.OVERFLOW.replace(".steps, ", ".wide, .steps, ")
                expect(wide <= width, f"{name}: {wide} pixels wide: {page.run(overflow)}")
                poor = page.run(check.CONTRAST.replace("LIMIT", str(check.CONTRAST_MIN)))
                expect(not poor, f"{name}: too little contrast: {poor}")
                expect(page.run(COLOURS) > 4, f"{name}: something is drawn")
                expect(page.run("document.querySelectorAll('.plot svg').length") == 2, f"{name}: two plots")
                cut = page.run("[...document.querySelectorAll('.wide')].some((e) => e.scrollWidth > e.clientWidth)")
                expect(file != c.few or not cut, f"{name}: a table of short names is cut")
                expect(not page.messages(), f"{name}: {page.messages()}")
                c.shoot(page, name)
                page.close()


def the_violation_is_seen(c: Pictures) -> None:
    for width in check.WIDTHS:
        page = c.open(c.real, width)
        start, end = view_of(page)
        expect(start < VIOLATION_NS <= end and end < RUN_NS / 4, f"the view begins there: {start} to {end}")
        ruler, rows = page.run(RED)
        expect(ruler > 300 and rows > 100, f"it is marked: {ruler} and {rows} pixels")
        text = page.run("document.getElementById('reading').textContent")
        expect("share of busy" in text, f"and said: {text}")
        expect("share of busy" in page.run("document.querySelector('.headline').textContent"), "on top, too")
        page.run("[...document.querySelectorAll('.controls button')].find((e) => e.ariaLabel === 'Show the whole time').click()")
        for _ in range(12):
            page.run("[...document.querySelectorAll('.controls button')].find((e) => e.ariaLabel === 'Zoom in').click()")
        start, end = view_of(page)
        expect(not start <= VIOLATION_NS <= end, f"elsewhere it is not: {start} to {end}")
        expect(sum(page.run(RED)) < ruler, "nor is its mark")
        page.run("[...document.querySelectorAll('.controls button')].find((e) => e.ariaLabel === 'Show the violation').click()")
        start, end = view_of(page)
        expect(start < VIOLATION_NS <= end, f"the button leads there: {start} to {end}")


def zoom_and_move(c: Pictures) -> None:
    page = c.open(c.few)
    x, y = middle(page)
    start, end = view_of(page)
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-240)
    page.wait(f"{VIEW}[1] - {VIEW}[0] < {(end - start) / NARROWER}")
    narrow = view_of(page)
    left, _, width, _ = page.run(BOX)
    share = (x - left - 121) / (width - 122)
    before, after = start + share * (end - start), narrow[0] + share * (narrow[1] - narrow[0])
    expect(abs(before - after) < (end - start) * 0.02, f"what is under the pointer stays: {before} and {after}")
    page.mouse("mousePressed", x, y, button="left", clickCount=1)
    page.mouse("mouseMoved", x + 200, y, button="left", buttons=1)
    page.mouse("mouseReleased", x + 200, y, button="left", clickCount=1)
    moved = view_of(page)
    same = abs((moved[1] - moved[0]) - (narrow[1] - narrow[0])) < 2
    expect(moved[0] < narrow[0] and same, f"dragging moves: {narrow}, {moved}")
    for _ in range(12):
        page.mouse("mouseWheel", x, y, deltaX=0, deltaY=240)
    page.wait(f"{VIEW}[0] === {c.few_data['from_ns']} && {VIEW}[1] === {c.few_data['to_ns']}")
    page.run("scrollTo(0, 200)")
    _, top, _, _ = page.run(BOX)
    page.mouse("mouseWheel", x, top + 100, deltaX=0, deltaY=240)
    page.wait("scrollY > 200")
    expect(width_of(page) == c.few_data["to_ns"], "when all is shown, the wheel scrolls the page")


def fingers_pinch_and_tap(c: Pictures) -> None:
    page = c.open(c.few, 390)
    page.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
    x, y = middle(page, 2)
    before = width_of(page)
    page.touch("touchStart", (x - 20, y), (x + 20, y))
    for step in range(1, 9):
        page.touch("touchMove", (x - 20 - 5 * step, y), (x + 20 + 5 * step, y))
    page.touch("touchEnd")
    expect(width_of(page) < before / NARROWER, f"two fingers zoom: {before} to {width_of(page)}")
    page.touch("touchStart", (x, y))
    page.touch("touchEnd")
    page.wait("document.getElementById('reading').textContent.includes('pCPU 1')")
    inside = page.run("""(() => { const b = document.querySelector('.tip').getBoundingClientRect();
      return b.width > 100 && b.left >= 0 && b.right <= innerWidth; })()""")
    expect(inside, "what is said of it lies on the screen")
    c.shoot(page, "tap-390", False)


def pointing_reads(c: Pictures) -> None:
    page = c.open(c.few)
    data, said = c.few_data, []
    for row in (1, 2, 6, 9):
        x, y = middle(page, row)
        page.mouse("mouseMoved", x, y)
        page.wait("!document.querySelector('.tip').hidden")
        said.append(page.run("document.querySelector('.tip').innerText"))
    expect("pCPU 0 runs " in said[0] or "pCPU 0 is idle" in said[0], said[0])
    expect(all(" ms to " in text and "Ends because" in text for text in said[2:]), f"{said}")
    c.shoot(page, "hover-1280", False)
    left, top, width, _ = page.run(BOX)
    start, end = view_of(page)
    at = left + 121 + (data["violations"][0]["ns"] - start) / (end - start) * (width - 122)
    page.mouse("mouseMoved", at, top + 54)
    page.wait("document.querySelector('.tip').innerText.includes('no starvation')")
    page.mouse("mouseMoved", left + 20, top + 64 + 22 * 5)
    page.wait("document.querySelector('.tip').innerText.includes('domain web')")


def keyboard_is_enough(c: Pictures) -> None:
    page = c.open(c.few)
    seen = []
    for _ in range(16):
        page.tab()
        if page.run("document.activeElement === document.body"):
            break
        seen.append(page.run(check.FOCUS))
    focused = [each["what"] for each in seen]
    expect(all(each["name"] and each["ring"] for each in seen), f"all have names and rings: {seen}")
    expect("rows" in focused and "row-kind" in focused and "row-name" in focused, f"the timeline can be reached: {focused}")
    page.run("document.getElementById('rows').focus()")
    before = width_of(page)
    page.press("+", "Equal", 187, "+")
    expect(width_of(page) < before / NARROWER, "+ zooms")
    start = view_of(page)[0]
    page.press("ArrowLeft", "ArrowLeft", 37)
    expect(view_of(page)[0] < start, "an arrow moves")
    page.press("Home", "Home", 36)
    expect(width_of(page) == c.few_data["to_ns"], "Home shows all")
    page.press("ArrowUp", "ArrowUp", 38)
    first = page.run("document.getElementById('reading').textContent")
    page.press("n", "KeyN", 78, "n")
    second = page.run("document.getElementById('reading').textContent")
    expect(first.startswith("batch.1") and second.startswith("batch.1") and first != second, f"{first} | {second}")
    expect(page.run("document.getElementById('reading').role") == "status", "what is read is said")
    page.press("v", "KeyV", 86, "v")
    expect("no starvation" in page.run("document.getElementById('reading').textContent"), "v leads to the violation")
    nodes = page.accessibility()
    for role in ("button", "combobox", "searchbox", "image", "region", "application", "table", "link"):
        found = [node for node in nodes if node["role"] == role]
        expect(role in ("table",) or found, f"there is a {role}")
        expect(all(node["name"].strip() for node in found if role != "table"), f"each {role} has a name: {found}")
    expect(page.run(check.TWICE) == 0, "no id is there twice")


def rows_are_chosen(c: Pictures) -> None:
    page = c.open(c.many)
    tall = page.run("document.querySelector('.rows').scrollHeight")
    expect(tall >= 16 * (PCPUS + GUESTS * 8), f"all rows are there: {tall} pixels")
    page.run("document.getElementById('row-name').focus()")
    page.type("guest-17.")
    x, y = middle(page, 1)
    page.mouse("mouseMoved", x, y)
    page.wait("document.querySelector('.tip').innerText.includes('guest-17.0')")
    expect(page.run("document.querySelector('.rows').scrollHeight") < 16 * 22, "the others are not")
    c.shoot(page, "chosen-1280", False)


def large_machines_are_no_burden(c: Pictures) -> None:
    size = c.many.stat().st_size
    page = c.open(c.many)
    ready = float(page.run("document.documentElement.dataset.ready"))
    page.run("document.getElementById('rows').focus()")
    page.press("Home", "Home", 36)
    view_of(page)
    frame = page.run("""(async () => {
      const start = performance.now();
      for (let i = 0; i < 10; ++i) {
        document.getElementById('rows').dispatchEvent(new KeyboardEvent('keydown', {key: i % 2 ? '+' : '-'}));
        await new Promise(requestAnimationFrame);
      }
      return (performance.now() - start) / 10;
    })()""")
    begins = (schedule_samples.RUN, schedule_samples.LEAVE, schedule_samples.WAKE)
    intervals = sum(1 for what in c.many_data["what"] if what in begins)
    print(f"  {PCPUS} pCPUs, {GUESTS * 8} vCPUs, {intervals:,} intervals: {size:,} bytes, ready after {ready:.0f} ms, "
          f"{frame:.0f} ms a picture", flush=True)
    expect(intervals >= INTERVALS_MIN, f"{intervals} intervals")
    expect(size < check.PAGE_BYTES_MAX, f"{size} bytes")
    c.shoot(page, "many-all-1280", False)


def hostile_names_stay_text(c: Pictures) -> None:
    for file in (c.real, c.folder / "index.html"):
        page = c.open(file, 390)
        expect(page.run("window.hacked") is None and page.run("document.images.length") == 0, "nothing of it runs")
        expect(page.run("document.documentElement.scrollWidth") <= 390, "and it fits")
    page = c.open(c.real)
    expect(NASTY in page.run("document.querySelector('.domains').textContent"), "the name is there as it is")
    expect(NASTY in page.run("document.querySelector('.top').textContent"), "so is what the scenario is about")
    x, y = middle(page, 3)
    page.mouse("mouseMoved", x, y)
    page.wait("document.querySelector('.tip').textContent.includes('<img src=x')")
    expect(page.run("document.querySelectorAll('.tip img').length") == 0, "in what is pointed at, too")


def a_cut_is_said(c: Pictures) -> None:
    expect(not c.open(c.few).run("document.querySelector('.cut')"), "a whole run is not cut")
    data = {**c.few_data, "left_out": [1234, 5678], "end_ns": 9_000_000_000}
    page = c.open(schedule_samples.write(c.out / "cut.html", c.text, data))
    text = page.run("document.querySelector('.cut').textContent")
    expect("1,234 events before" in text and "5,678 after" in text and "9000 ms" in text, text)


def nobody_and_nothing(c: Pictures) -> None:
    data = schedule_samples.schedule(1, [("only", 1)], 0)
    data["violations"] = []
    page = c.open(schedule_samples.write(c.out / "empty.html", c.text, data))
    expect(not page.messages(), f"{page.messages()}")
    expect("Nobody was woken" in page.run("document.getElementById('pictures').textContent"), "no wake-ups, no histogram")


def damage_is_said(c: Pictures) -> None:
    start = c.text.index('id="data">') + len('id="data">')
    damaged = c.out / "damaged.html"
    damaged.write_text(c.text[:start + 400] + c.text[c.text.index("</script>", start):])
    page = c.browser.page(390)
    page.open(damaged, ready="document.getElementById('trouble')?.textContent.includes('damaged')")
    page = c.browser.page(390, script=False)
    page.open(c.real, ready=None)
    tree = " ".join(node["name"] for node in page.accessibility() if node["role"] == "StaticText")
    expect("With JavaScript" in tree and "share of busy" in tree and "--seed 4" in tree, "without script the head is there")


CHECKS = [a_run_leaves_page_and_trace, everything_fits, the_violation_is_seen, zoom_and_move, fingers_pinch_and_tap,
          pointing_reads, keyboard_is_enough, rows_are_chosen, large_machines_are_no_burden, hostile_names_stay_text,
          a_cut_is_said, nobody_and_nothing, damage_is_said]

if __name__ == "__main__":
    sys.exit(check.play(CHECKS, __doc__, Pictures))
