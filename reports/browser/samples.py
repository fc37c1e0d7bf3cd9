"""Results of three targets for pages to show: real ones of the bundled core, and two made from them that fail, skip and
crash here and there, as a vendor's would. Everything is decided by the cases' names: no run differs from another."""

import copy
import json
import subprocess
import zlib
from pathlib import Path

VARIANTS = 1300     # of the whole suite, one day: what is missing is made up from what is there
STEPS_FEW, STEPS_MANY = 6, 46


def draw(text: str, bound: int) -> int:
    """A number below `bound` that depends on the text alone."""
    return zlib.crc32(text.encode()) % bound


def made_steps(case: dict) -> list[dict]:
    """Steps for a case whose target has recorded none: of the length and look of real ones."""
    steps = []
    for i in range(STEPS_FEW + draw(case["id"] + "/n", STEPS_MANY - STEPS_FEW)):
        kind = ("hypercall", "hypercall", "read", "check", "write", "upcall")[draw(f"{case['id']}/{i}", 6)]
        port, value = draw(f"{case['id']}/{i}/p", 64), draw(f"{case['id']}/{i}/v", 1 << 20)
        text = {
            "hypercall": f"event_channel_op(EVTCHNOP_bind_interdomain, {{.remote_dom = 2, .remote_port = {port}}}) = "
                         f"0, {{.local_port = {port + 1}}}",
            "read": f"shared_info.evtchn_pending[{port // 64}] = {value:#x}",
            "write": f"vcpu_info[0].evtchn_upcall_mask = {port % 2}",
            "check": f"local port, the lowest free one: expected {port}, got {port}",
            "upcall": f"upcall {port}: evtchn_pending_sel = {value:#x}",
        }[kind]
        steps.append({"vcpu": "" if kind == "check" else f"d{1 + port % 2}v0", "kind": kind, "text": text})
    return steps


def grow(base: dict) -> dict:
    """As many variants as the whole suite will have."""
    grown = copy.deepcopy(base)
    originals = list(grown["cases"])
    for case in originals:
        case.setdefault("steps", made_steps(case))
    copies = 0
    while len(grown["cases"]) < VARIANTS:
        original = originals[copies % len(originals)]
        slug, at, guest = original["id"].partition("@")
        made = copy.deepcopy(original)
        made["id"] = f"{slug}_again{copies // len(originals) + 1}{at}{guest}"
        made["reproduce"] = made["reproduce"].replace(original["id"], made["id"])
        made["steps"] = made_steps(made)
        grown["cases"].append(made)
        copies += 1
    return grown


def fail(case: dict, verdict: str, message: str) -> None:
    case.update(verdict=verdict, expected=verdict == "skip", message=message)
    if verdict in ("fail", "crash"):
        case["steps"][-1].update(kind="check", vcpu="", text=message, failed=True)


def spoil(results: dict, kind: str, name: str, version: str, one_in: int) -> dict:
    """The same for a target of this name, of whose cases one in `one_in` does not pass."""
    made = copy.deepcopy(results)
    made["target"].update(kind=kind, name=name, version=version)
    for case in made["cases"]:
        case["reproduce"] = case["reproduce"].replace("--target hv", f"--target {'./acme.so' if kind == 'core' else kind}")
        case["duration_us"] = 900 + draw(case["id"] + kind, 24_000)
        if one_in == 0 or draw(case["id"] + name, one_in) != 0:
            continue
        what = draw(case["id"] + "what", 8)
        if what < 4:
            fail(case, "fail", "result of the second call: expected -EINVAL (-22), got 0")
        elif what < 6:
            fail(case, "skip", "the target lacks three_domains")
        elif what == 6:
            fail(case, "crash", "the subject panicked: Assertion 'page->count_info' failed at grant_table.c:1512")
        else:
            fail(case, "inconclusive", "the race did not fire")
    judge(made)
    return made


def judge(results: dict) -> None:
    """Verdicts of requirements, and counts, after the cases have changed."""
    order = ["pass", "skip", "inconclusive", "fail", "timeout", "crash", "error"]
    by_requirement: dict[str, list[dict]] = {}
    for case in results["cases"]:
        for requirement in case["requirements"]:
            by_requirement.setdefault(requirement, []).append(case)
    for row in results["requirements"]:
        cases = by_requirement.get(row["id"], [])
        row["cases"] = [case["id"] for case in cases]
        told = [case["verdict"] for case in cases if case["verdict"] != "skip"] or [case["verdict"] for case in cases]
        row["verdict"] = max(told, key=order.index) if told else "untested"
    results["suite"]["cases"] = len(results["cases"])
    failed = sum(1 for case in results["cases"] if order.index(case["verdict"]) > 2)
    skipped = sum(1 for case in results["cases"] if case["verdict"] == "skip")
    undecided = sum(1 for case in results["cases"] if case["verdict"] == "inconclusive")
    results["profiles"] = [{
        "id": "full", "title": "Everything that a host offers", "claimed": True,
        "verdict": "fails" if failed or skipped else "conforms", "cases": len(results["cases"]),
        "pass": len(results["cases"]) - failed - skipped - undecided, "fail": failed, "skip": skipped,
        "inconclusive": undecided, "missing": 0}]


def write(folder: Path, results: dict) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def make(assay: Path, out: Path) -> list[Path]:
    """Folders of three targets: the bundled core, the real Xen, and a vendor's hypervisor that has some way to go."""
    subprocess.run([str(assay), "grade", "--target", "hv", "--out", str(out / "graded")], check=False, capture_output=True)
    grown = grow(json.loads((out / "graded" / "results.json").read_text()))
    judge(grown)
    return [write(out / "hv", grown), write(out / "xen", spoil(grown, "xen", "Xen", "4.17.4", 0)),
            write(out / "acme", spoil(grown, "core", "Acme hypervisor", "2.1", 55))]
