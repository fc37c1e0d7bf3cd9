#!/usr/bin/env python3
"""`assay fuzz` as people use and abuse it: finds the canary's bug, keeps and repeats it, bears what files and signals do.

Usage: fuzz.py BIN FUZZERS CORPORA. Exit 77 (skipped) when FUZZERS holds no fuzzers: preset `fuzz` builds them.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SKIPPED = 77
RUNS = 500  # of each target, with a fixed seed; the unit tests run more of them without coverage


def check(holds: bool, what: str, output: str = "") -> None:
    if not holds:
        sys.exit(f"fuzz.py: does not hold: {what}\n{output}")


class Assay:
    def __init__(self, program: Path, fuzzers: Path, corpora: Path):
        self.program = program
        self.environment = dict(os.environ, ASSAY_FUZZERS=str(fuzzers), ASSAY_CORPORA=str(corpora))

    def command(self, *arguments: str) -> list[str]:
        return [str(self.program), "fuzz", *arguments]

    def run(self, *arguments: str, code: int) -> str:
        done = subprocess.run(self.command(*arguments), env=self.environment, capture_output=True, text=True,
                              timeout=120, check=False)
        output = done.stdout + done.stderr
        check(done.returncode == code, f"fuzz {' '.join(arguments)} ends with {code}, not {done.returncode}", output)
        return output


def canary(assay: Assay, out: Path) -> Path:
    """The planted bug is found, kept and repeated."""
    output = assay.run("canary", "--runs", "1000000", "--out", str(out), code=1)
    check("a canary lives" in output, "the reason is told", output)
    reproducer = Path(re.search(r"fuzz --replay (\S+)", output).group(1))
    check(reproducer.read_bytes().endswith(b"\nBUG!"), "the reproducer is as small as can be")
    output = assay.run("--replay", str(reproducer), code=1)
    check("canary: broken" in output and "a canary lives" in output, "the reproducer repeats it", output)
    return reproducer


def deadly_calls(assay: Assay, out: Path) -> None:
    """A planted fault that raw hypercalls find is reduced to a call or two, which repeat it."""
    fault = ("--fault", "grant.failed_map_leaks_handle")
    output = assay.run(*fault, "--runs", "20000", "--out", str(out), code=1)
    few, many = map(int, re.search(r"(\d+) of (\d+) calls", output).groups())
    check(few <= 2 < many, "what killed it is reduced", output)
    small = re.search(r"--replay (\S+)", output).group(1)
    check("count of handles" in assay.run(*fault, "--replay", small, code=1), "the reduced calls repeat it")
    assay.run("--replay", small, code=0)


def bad_reproducers(assay: Assay, reproducer: Path, folder: Path) -> None:
    header, data = reproducer.read_bytes().split(b"\n", 1)
    cases = {
        "of another version": (header.replace(b" 0.", b" 9.") + b"\n" + data, "made by version 9."),
        "of another form": (header.replace(b" 1 ", b" 7 ") + b"\n" + data, "of form 7"),
        "of no target": (header.replace(b"canary", b"canari") + b"\n" + data, "no such fuzz target: canari"),
        "cut short": (header + b"\n" + data[:-1], "cut short"),
        "damaged": (header + b"\n" + data[:-1] + b"?", "not what it was"),
        "nothing of ours": (b"\x7fELF", "not a reproducer"),
    }
    for name, (contents, told) in cases.items():
        bad = folder / "bad.fuzz"
        bad.write_bytes(contents)
        output = assay.run("--replay", str(bad), code=64)
        check(told in output and "bad.fuzz" in output, f"a reproducer {name} is refused with file and reason", output)
    check("cannot read" in assay.run("--replay", str(folder / "none"), code=64), "a missing file is told")


def interruption(assay: Assay, out: Path) -> None:
    """Ctrl-C loses nothing, and the next run goes on from there."""
    running = subprocess.Popen(assay.command("text", "--time", "100", "--out", str(out)), env=assay.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    corpus = out / "text" / "corpus"
    for _ in range(300):
        if corpus.is_dir() and any(corpus.iterdir()):
            break
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=30)
    check(running.returncode == 130, "an interrupted run ends with 130", output)
    check("interrupted: what was found is in" in output, "it says what it has", output)
    check(any(corpus.iterdir()), "what was found is there")
    before = {path.name for path in corpus.iterdir()}
    assay.run("text", "--runs", "1000", "--out", str(out), code=0)
    check(before <= {path.name for path in corpus.iterdir()}, "the next run keeps what was there")
    (out / "text" / "totals.json").write_text("{")
    check("totals.json: not what assay fuzz writes" in assay.run("text", "--runs", "9", "--out", str(out), code=64),
          "a damaged file is told")


def full_disk(assay: Assay) -> None:
    """A file system of 32 KiB is full soon. Only root can make one."""
    if os.geteuid() != 0:
        return
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", folder], check=False,
                                 capture_output=True)
        if mounted.returncode != 0:
            return
        try:
            output = assay.run("code", "--time", "60", "--out", str(Path(folder) / "out"), code=70)
            check("No space left on device" in output and "make room" in output, "a full disk is told", output)
        finally:
            subprocess.run(["umount", folder], check=True)


def main() -> int:
    program, fuzzers, corpora = Path(sys.argv[1]) / "assay", Path(sys.argv[2]), Path(sys.argv[3])
    if not list(fuzzers.glob("fuzz-*")):
        print(f"no fuzzers in {fuzzers}")
        return SKIPPED
    assay = Assay(program, fuzzers, corpora)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = assay.run("--list", code=0)
        check("canary" in listed and "kernel" in listed, "--list lists", listed)
        check("did you mean kernel?" in assay.run("kernal", code=64), "a wrong name gets the right one")
        reproducer = canary(assay, folder / "out")
        deadly_calls(assay, folder / "live")
        bad_reproducers(assay, reproducer, folder)
        interruption(assay, folder / "out")
        full_disk(assay)
        assay.run("--runs", str(RUNS), "--out", str(folder / "smoke"), code=0)
    print("fuzz: all holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
