# %% [markdown]
# # A starving vCPU, from failing seed to picture
#
# A scheduler bug that shows in some runs only: with the planted fault, a vCPU that does not sleep keeps its pCPU although
# others wait. Batch jobs are short as a rule and long once in a while; only when a long one is on each pCPU at once does
# somebody starve. From then on the jobs do not end either: the end of the time slice lies in the past, and the pCPU takes
# one interrupt after the other. The same seed shows it every time.
#
#     PYTHONPATH=build/release/python /usr/bin/python3 tools/python/examples/starvation.py [FOLDER for the picture]

# %%
import sys
from pathlib import Path

import assay
from assay import MS

FAULT = "sched.slice_never_ends"
SEEDS = range(1, 17)
BOUND = 60 * MS

SCENARIO = """
about: Batch jobs of very different lengths beside somebody who only wants to answer.
machine: {pcpus: 2}
duration: 200ms
liveness: 200ms
domains:
  - {name: batch, vcpus: 2, workload: idle}
  - {name: shell, workload: {kind: interactive, run: 200us, sleep: 5ms, variation: 30%}}
"""


# %% What the batch domain does: a workload in Python, with randomness that follows from the seed.
def batch(vcpu):
    while True:
        is_long = vcpu.random.random() < 0.02
        yield assay.compute(100 * MS if is_long else vcpu.random.randrange(1 * MS, 6 * MS))
        yield assay.sleep(vcpu.random.randrange(1 * MS, 6 * MS))


# %% What a scheduler promises: an oracle in Python.
class NoStarvation:
    kinds = {"run"}

    def on_event(self, event, view):
        self.check(view.vcpu(event.domain, event.vcpu))

    def at_end(self, view):
        for vcpu in view.vcpus():
            self.check(vcpu)

    def check(self, vcpu):
        if vcpu["waiting_ns"] > BOUND:
            raise assay.Violation(f"vCPU {vcpu['vcpu']} of {vcpu['domain']} waited for {vcpu['waiting_ns'] / MS:.1f} ms")


# %% Which seeds fail, and that the fault is why.
scenario = assay.Scenario.from_text(SCENARIO, "starvation.yaml")
play = {"workloads": {"batch": batch}, "oracles": [NoStarvation]}
results = assay.sweep(scenario, SEEDS, fault=FAULT, **play)
failing = [result for result in results if result["verdict"] == "fail"]
print(f"{len(failing)} of {len(results)} seeds fail with {FAULT}: {[result['seed'] for result in failing]}")
healthy = assay.sweep(scenario, SEEDS, **play)
print(f"{sum(result['verdict'] != 'pass' for result in healthy)} of {len(healthy)} without it")
if not failing:
    sys.exit("no seed shows the fault: take more of them")

# %% The first of them once more, with all that happened.
seed = failing[0]["seed"]
again = scenario.run(seed, fault=FAULT, record=True, **play)
print(f"seed {seed}: {again['message']}")
print(f"the same digest both times: {again['digest'] == failing[0]['digest']}")

# %% Who ran where around that moment, and who waited.
moment = again["failed_ns"]
begin, end = max(0, moment - 3 * BOUND), moment + BOUND // 2
timeline = [stay for stay in again["timeline"] if stay["end_ns"] > begin and stay["start_ns"] < end]
rows = sorted({(stay["domain"], stay["vcpu"]) for stay in timeline})
colours = {0: "#3b6ea5", 1: "#6aa84f", None: "#d9534f"}


def bars():
    """(row, start and length in ms, colour), one for each stay."""
    for stay in timeline:
        start, stop = max(stay["start_ns"], begin), min(stay["end_ns"], end)
        yield rows.index((stay["domain"], stay["vcpu"])), start / MS, (stop - start) / MS, colours[stay["pcpu"]]


# %% The picture: by matplotlib where it is installed, otherwise written by hand.
def draw_with_matplotlib(path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(10, 2 + 0.5 * len(rows)))
    for row, start, length, colour in bars():
        axes.broken_barh([(start, length)], (row - 0.35, 0.7), facecolors=colour)
    axes.axvline(moment / MS, color="black", linestyle="--", label="the oracle speaks")
    axes.set_yticks(range(len(rows)), [f"{domain}.{vcpu}" for domain, vcpu in rows])
    axes.set_xlabel("virtual time, ms")
    axes.set_title(f"{FAULT}, seed {seed}: blue and green run on pCPU 0 and 1, red waits")
    axes.legend(loc="upper left")
    figure.tight_layout()
    figure.savefig(path)


def draw_by_hand(path):
    def x(ms):
        return 80 + (ms - begin / MS) * 900 / ((end - begin) / MS)

    height = 60 + 30 * len(rows)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="1000" height="{height}" font-family="sans-serif">',
             f'<text x="80" y="20">{FAULT}, seed {seed}: blue and green run on pCPU 0 and 1, red waits</text>']
    for row, (domain, vcpu) in enumerate(rows):
        lines.append(f'<text x="5" y="{52 + 30 * row}">{domain}.{vcpu}</text>')
    for row, start, length, colour in bars():
        width = x(start + length) - x(start)
        lines.append(f'<rect x="{x(start):.1f}" y="{36 + 30 * row}" width="{width:.2f}" height="22" fill="{colour}"/>')
    lines.append(f'<path d="M{x(moment / MS):.1f} 30v{30 * len(rows)}" stroke="black" stroke-dasharray="4"/></svg>')
    path.write_text("\n".join(lines))


folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd()
try:
    picture = folder / "starvation.png"
    draw_with_matplotlib(picture)
except ImportError:
    picture = folder / "starvation.svg"
    draw_by_hand(picture)
print(f"the picture: {picture}")
