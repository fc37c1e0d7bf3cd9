#!/usr/bin/env python3
"""Uses the program as people do, and breaks what can be broken around it: subjects that crash, hang, overrun or are no
subject at all; files that are malformed, folders that cannot be written, Ctrl-C. Expects the exit code, the message and the
results that the documentation promises.

Usage: tools/acceptance/check.py BIN [CHECK]...   BIN is a folder with `assay` and the test cores.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ONE_DOM0_CASE = "xen_version.version.dom0"


class Failed(Exception):
    """What was expected and what came instead."""


def expect(condition: bool, what: str, run: "Run | None" = None) -> None:
    if not condition:
        raise Failed(what + (f"\nexit {run.code}\n{run.text[-3000:]}" if run else ""))


class Run:
    """One run of the program: exit code, all it printed, results.json if there is one."""

    def __init__(self, folder: Path, *args: str, out: Path | None = None, env: dict | None = None, within: tuple = (),
                 interrupt_after_s: float = 0):
        self.out = out or Path(tempfile.mkdtemp(prefix="assay-acceptance-"))
        command = [*within, str(folder / "assay"), *args]
        if args[0] == "grade":
            command += ["--out", str(self.out)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={**os.environ, **(env or {})}) as process:
            if interrupt_after_s:
                time.sleep(interrupt_after_s)
                process.send_signal(signal.SIGINT)
            self.text = process.communicate()[0]
            self.code = process.returncode

    def results(self) -> dict:
        return json.loads((self.out / "results.json").read_text())


def core(folder: Path, name: str) -> str:
    return str(folder / f"core_{name}.so")


def grade_core(folder: Path, name: str, *more: str) -> Run:
    return Run(folder, "grade", "--target", core(folder, name), "--select", ONE_DOM0_CASE, *more)


def tiny_core_is_graded(folder: Path) -> None:
    run = Run(folder, "grade", "--target", core(folder, "tiny"))
    summary = run.results()["summary"]
    expect(run.code == 1, "a core that answers one hypercall fails the suite", run)
    expect(summary["pass"] > 0 and summary["fail"] > 0 and summary["skip"] > 0, "some pass, some fail, most are skipped", run)
    # It delivers no exceptions: a guest that faults hangs, which is TIMEOUT.
    expect(summary["error"] == summary["crash"] == 0, "and the harness is not harmed", run)
    expect("--select " in run.text, "each failure ends with the line that reproduces it", run)


def crashing_core_is_a_crash(folder: Path) -> None:
    run = grade_core(folder, "crash")
    expect(run.code == 1 and run.results()["summary"]["crash"] > 0, "CRASH, and exit code 1", run)
    expect("SIGSEGV" in run.text, "the signal is named", run)


def overrun_is_told_apart(folder: Path) -> None:
    run = grade_core(folder, "overrun")
    expect(run.code == 1 and "past the end of the arena" in run.text, "a write outside the arena is called that", run)


def core_that_never_returns_times_out(folder: Path) -> None:
    run = grade_core(folder, "hang", "--case-limit", "2")
    expect(run.code == 1 and run.results()["summary"]["timeout"] > 0, "TIMEOUT, and the run ends", run)


def other_port_version_is_refused(folder: Path) -> None:
    run = grade_core(folder, "other_version")
    expect(run.code == 69 and "port version" in run.text, "exit 69 and both versions named", run)


def no_core_is_refused(folder: Path) -> None:
    run = grade_core(folder, "no_symbol")
    expect(run.code == 69 and "assay_core" in run.text, "a library without the symbol: exit 69", run)
    with tempfile.NamedTemporaryFile("w", suffix=".so") as text:
        text.write("this is no ELF file\n")
        text.flush()
        run = Run(folder, "grade", "--target", text.name)
        expect(run.code == 64 and "ELF" in run.text, "a text file: exit 64", run)
    run = Run(folder, "grade", "--target", "./there-is-no-such-core.so")
    expect(run.code == 64, "a missing file: exit 64", run)


def unknown_prefix_is_refused(folder: Path) -> None:
    run = Run(folder, "grade", "--target", "hv", "--select", "evtchn.alloc_unbuond")
    expect(run.code == 64 and "evtchn.alloc_unbound" in run.text, "exit 64 and a suggestion", run)


def expectation_file_is_checked(folder: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("- case: xen_version.version.returned_in_result@pv64\n  reason: [unclosed\n")
        file.flush()
        run = Run(folder, "grade", "--target", "hv", "--expect", file.name)
        expect(run.code == 64 and f"{file.name}:" in run.text, "malformed: exit 64 and where", run)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(f"- case: {ONE_DOM0_CASE}.major_in_upper_half\n  reason: it does not fail at all\n"
                   "  link: https://example.org/1\n")
        file.flush()
        run = Run(folder, "grade", "--target", "hv", "--select", ONE_DOM0_CASE, "--expect", file.name)
        expect(run.code == 1 and run.results()["summary"]["unexpected_pass"] == 1, "an unexpected pass fails the run", run)


def missing_xen_is_unavailable(folder: Path) -> None:
    run = Run(folder, "grade", "--target", "xen", env={"ASSAY_XEN": "/nowhere/xen"})
    expect(run.code == 69 and "/nowhere/xen" in run.text, "no Xen binary: exit 69, what and where", run)
    run = Run(folder, "grade", "--target", "xen", env={"PATH": "/nowhere"})
    expect(run.code == 69, "no QEMU: exit 69", run)


def unwritable_out_is_reported(folder: Path) -> None:
    with tempfile.NamedTemporaryFile() as file:
        run = Run(folder, "grade", "--target", "hv", "--select", ONE_DOM0_CASE, out=Path(file.name) / "out")
        expect(run.code not in (0, 1, 2) and file.name in run.text, "a folder that cannot be: says which", run)


def full_disk_keeps_the_summary(folder: Path) -> None:
    out = Path(tempfile.mkdtemp(prefix="assay-acceptance-"))
    mount = ("unshare", "--mount", "--map-root-user", "sh", "-c",
             f'mount -t tmpfs -o size=16k tmpfs {out} && exec "$@"', "sh")
    if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode != 0:
        print("cannot mount a small file system here: the full disk is not tried", flush=True)
        return
    run = Run(folder, "grade", "--target", "hv", "--jobs", "1", out=out, within=mount)
    expect(run.code == 70 and str(out) in run.text, "exit 70 and which file could not be written", run)
    expect("cases:" in run.text, "the summary on the terminal is printed all the same", run)


def interrupt_keeps_results(folder: Path) -> None:
    run = Run(folder, "grade", "--target", core(folder, "hang"), "--jobs", "1", "--case-limit", "60", interrupt_after_s=2)
    expect(run.code == 130, "Ctrl-C: exit 130", run)
    expect(len(run.results()["cases"]) > 0, "the results so far are kept", run)
    left = subprocess.run(["pgrep", "-f", str(run.out)], capture_output=True, text=True, check=False).stdout
    expect(left == "", f"no process is left behind: {left}", run)


def interrupted_scenarios_are_counted(folder: Path) -> None:
    scenario = Path(tempfile.mkdtemp(prefix="assay-acceptance-")) / "long.yaml"
    scenario.write_text("machine: {pcpus: 2}\nduration: 100s\ndomains:\n"
                        "- {name: a, vcpus: 4, workload: {kind: timer-storm, period: 50us}}\n")
    run = Run(folder, "run", str(scenario), "--seeds", "1..50", "--jobs", "1", interrupt_after_s=2)
    expect(run.code == 130 and " of 50 played" in run.text, "Ctrl-C: exit 130, and how many were played", run)


def reproduction_line_works(folder: Path) -> None:
    run = grade_core(folder, "tiny")
    expect(run.code == 0, "the one thing it can do passes", run)
    failing = Run(folder, "grade", "--target", core(folder, "tiny"), "--select", "xen_version.commandline.dom0")
    line = next(line for line in failing.text.splitlines() if "tools/assay grade" in line)
    again = Run(folder, *line.split()[1:])
    expect(again.code == 1 and line.strip() in again.text, "the printed line fails in the same way", again)


def nothing_ran_is_not_success(folder: Path) -> None:
    run = Run(folder, "grade", "--target", core(folder, "tiny"), "--select", "memory_op")
    expect(run.code != 0, "only skips: not exit 0", run)


def claimed_but_skipped_is_unexpected(folder: Path) -> None:
    run = Run(folder, "grade", "--target", core(folder, "tiny"), "--profile", "toolstack", "--select", "domctl")
    results = run.results()
    skipped = [case for case in results["cases"] if case["verdict"] == "skip"]
    expect(run.code == 1 and skipped and not any(case["expected"] for case in skipped), "it lacks what it claims", run)
    expect("profile toolstack (claimed): fails" in run.text, "the verdict of the profile is one line", run)


def damaged_results_are_refused(folder: Path) -> None:
    good = Run(folder, "grade", "--target", "hv", "--select", ONE_DOM0_CASE)
    file = good.out / "results.json"
    page = (good.out / "index.html").read_bytes()
    text = file.read_text()
    lines = text[:len(text) // 2].count("\n") + 1
    for damage, words in ((text[:len(text) // 2], f"{file}:{lines}:"), ("[]", f"{file}:1:1: "),
                          (text.replace('"schema": 2', '"schema": 1'), "older Assay"), ("", "cut short or empty")):
        file.write_text(damage)
        run = Run(folder, "report", str(good.out))
        expect(run.code == 64 and words in run.text, f"exit 64 and {words}", run)
        expect((good.out / "index.html").read_bytes() == page, "and the report that was there stays", run)


CHECKS = [tiny_core_is_graded, crashing_core_is_a_crash, overrun_is_told_apart, core_that_never_returns_times_out,
          other_port_version_is_refused, no_core_is_refused, unknown_prefix_is_refused, expectation_file_is_checked,
          missing_xen_is_unavailable, unwritable_out_is_reported, full_disk_keeps_the_summary, interrupt_keeps_results,
          interrupted_scenarios_are_counted,
          reproduction_line_works, nothing_ran_is_not_success, claimed_but_skipped_is_unexpected,
          damaged_results_are_refused]


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    wanted = sys.argv[2:]
    unknown = set(wanted) - {check.__name__ for check in CHECKS}
    if unknown:
        sys.exit(f"no such check: {', '.join(sorted(unknown))}")
    failures = 0
    for check in CHECKS:
        if wanted and check.__name__ not in wanted:
            continue
        try:
            check(folder)
            print(f"passed: {check.__name__}", flush=True)
        except Failed as failure:
            failures += 1
            print(f"FAILED: {check.__name__}: {failure}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
