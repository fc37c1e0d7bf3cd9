"""Runs suites against the bundled core that counts what is executed of it, and makes tracefiles of the counts."""

import os
import shutil
import tempfile
from pathlib import Path

from places import CORE, GRADED, RELEASE, ROOT, environment, run
from tracefile import BadInput, Tracefile, miscounted, parse

# By the suite's name in the report, a program of the release build and its words. {out} is a folder to write to. One worker
# each: counting is not atomic, which would take four times as long.
SUITES = {
    "cases": ["assay", "grade", "--target", "hv", "--jobs", "1", "--out", "{out}"],
    "properties": ["assay", "check", "--target", "hv", "--jobs", "1", "--out", "{out}"],
    "scenarios": ["assay", "run", str(ROOT / "scenarios"), "--jobs", "1"],
    "moves": ["assay", "migrate", "--sweep", "--jobs", "1"],  # a domain between two hosts, with every fault at every part
    "fuzz": ["fuzz_guests_test", "--gtest_brief=1"],  # the committed corpora, and inputs near them
}

# Three cases of different areas: the first two that the check selects together, and so on. See verify_counts.
CHECKED = ("evtchn.close.", "grant.copy.", "vcpu_op.")


def staged(folder: Path) -> Path:
    """A folder with the programs of the release build, which look for the core beside themselves: the one that counts."""
    for file in [*(RELEASE / name for name in ("assay", "fuzz_guests_test", "agent.elf", "agent-dom0.elf")), CORE]:
        try:
            os.link(file, folder / file.name)
        except OSError:  # another file system
            shutil.copy2(file, folder / file.name)
    return folder


def counted(words: list[str], folder: Path) -> str:
    """Runs a program and returns the lcov tracefile of what it executed of the core."""
    shutil.rmtree(folder, ignore_errors=True)  # counts of an earlier run would be added to
    folder.mkdir(parents=True)
    # %c: the counters are the file, mapped by every worker, so that a worker that is killed loses none. %m: per object.
    variables = environment(LLVM_PROFILE_FILE=str(folder / "%m%c.profraw"))
    filled = [word.format(out=folder / "results") for word in words]
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as stage:
        run([staged(Path(stage)) / filled[0], *filled[1:]], wanted=GRADED, env=variables)
    raw = sorted(folder.glob("*.profraw"))
    if not raw:
        raise BadInput(f"`{' '.join(filled)}` loaded no core that counts; is {CORE} from the preset coverage?")
    run(["llvm-profdata-19", "merge", "-sparse", *raw, "-o", folder / "counts.profdata"])
    # The compiler was told to name sources relative to the root, which is where this runs.
    return run(["llvm-cov-19", "export", "-format=lcov", "-ignore-filename-regex=^sim/",
                f"-instr-profile={folder / 'counts.profdata'}", CORE]).stdout


def verify_counts(select: tuple[str, str, str] = CHECKED) -> int:
    """Proves that nothing is lost when the host goes back between cases: for cases a, b, c, one worker each run, the counts
    of {a, b, c} and {b} together are those of {a, b} and {b, c}, on every line: booting cancels out, and the core is
    deterministic. Counters that a rewind puts back, or that a killed worker takes with it, do not add up.
    Returns the number of lines compared. Throws BadInput when some differ."""
    def of(*chosen: str) -> Tracefile:
        with tempfile.TemporaryDirectory() as folder:
            words = [*SUITES["cases"]]
            for prefix in chosen:
                words += ["--select", prefix]
            return parse(counted(words, Path(folder)), " ".join(chosen))

    a, b, c = select
    one, other = (of(a, b, c), of(b)), (of(a, b), of(b, c))
    wrong = miscounted(one, other)
    if wrong:
        shown = "\n".join(wrong[:10])
        raise BadInput(f"the counts are not true: {len(wrong)} lines do not add up over runs of {', '.join(select)}:\n{shown}")
    return sum(len(source.lines) for source in one[0].values())


def write_html(info: Path, folder: Path, title: str) -> None:
    run(["genhtml", "--branch-coverage", "--quiet", "--legend", "--prefix", ROOT, "--title", title,
         "--output-directory", folder, info])


def merge(infos: list[Path], to: Path) -> None:
    words: list = ["lcov", "--quiet", "--rc", "lcov_branch_coverage=1"]
    for info in infos:
        words += ["--add-tracefile", info]
    run([*words, "--output-file", to])
