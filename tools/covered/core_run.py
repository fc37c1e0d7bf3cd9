"""Runs suites against the bundled core that counts what is executed of it, and makes tracefiles of the counts."""

import tempfile
from pathlib import Path

from places import CORE, GRADED, PROGRAM, ROOT, environment, run
from tracefile import BadInput, Tracefile, miscounted, parse

# By the suite's name in the report, the words behind `assay`. {core} is the core, {out} a folder to write to. One worker
# each: counting is not atomic, which would take four times as long.
SUITES = {
    "cases": ["grade", "--target", "{core}", "--jobs", "1", "--out", "{out}"],
    "properties": ["check", "--target", "{core}", "--jobs", "1", "--out", "{out}"],
}

# Three cases of different areas: the first two that the check selects together, and so on. See verify_counts.
CHECKED = ("evtchn.close.", "grant.copy.", "vcpu_op.")


def counted(words: list[str], folder: Path) -> str:
    """Runs `assay` and returns the lcov tracefile of what it executed of the core."""
    folder.mkdir(parents=True, exist_ok=True)
    # %c: the counters are the file, mapped by every worker, so that a worker that is killed loses none. %m: per object.
    variables = environment(LLVM_PROFILE_FILE=str(folder / "%m%c.profraw"))
    filled = [word.format(core=CORE, out=folder / "results") for word in words]
    run([PROGRAM, *filled], wanted=GRADED, env=variables)
    raw = sorted(folder.glob("*.profraw"))
    if not raw:
        raise BadInput(f"`assay {' '.join(filled)}` loaded no core that counts; is {CORE} from the preset coverage?")
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
            words = ["grade", "--target", "{core}", "--jobs", "1", "--out", "{out}"]
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
