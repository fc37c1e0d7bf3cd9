#!/usr/bin/env python3
"""Kernels that nobody here wrote, and the agent, under `assay run`, `assay replay` and gdb.

Usage: tools/acceptance/run.py BIN... where each BIN is a folder with an `assay` program: the first one records, all of them
repeat. Two GRUB images are made by Debian's grub-mkstandalone, with a script that prints and computes. Exit 1 when something is
not as it should be, 77 (skipped) when the first program is not there or no GRUB is.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPT = """echo "hello from GRUB"
for i in 1 2 3; do echo "line $i"; done
hashsum --hash sha256 (memdisk)/boot/grub/grub.cfg
echo "that was all"
halt
"""
IMAGES = {"pv64": "x86_64-xen", "pvh": "i386-xen_pvh"}

failures: list[str] = []


def check(holds: bool, what: str) -> None:
    print(f"{'ok  ' if holds else 'FAIL'} {what}")
    if not holds:
        failures.append(what)


def run(program: Path, *words: str, timeout: int = 120) -> subprocess.CompletedProcess:
    return subprocess.run([str(program), *map(str, words)], capture_output=True, timeout=timeout, check=False)


def make_images(folder: Path) -> dict[str, Path]:
    config = folder / "grub.cfg"
    config.write_text(SCRIPT)
    images = {}
    for kind, platform in IMAGES.items():
        images[kind] = folder / f"{kind}.img"
        subprocess.run(["grub-mkstandalone", "-O", platform, "-o", str(images[kind]), f"boot/grub/grub.cfg={config}"],
                       check=True, capture_output=True)
    return images


def check_grub(programs: list[Path], kind: str, image: Path, folder: Path) -> None:
    recording = folder / f"{kind}.recording"
    first = run(programs[0], "run", "--type", kind, image, "--record", recording)
    text = first.stdout.decode(errors="replace")
    check(first.returncode == 0, f"{kind}: GRUB ends with a power off: exit code {first.returncode}")
    check(all(line in text for line in ("hello from GRUB", "line 3", "that was all")), f"{kind}: its text is on the console")
    check(hashlib.sha256(SCRIPT.encode()).hexdigest() in text, f"{kind}: it computed the right hash")
    second = run(programs[0], "run", "--type", kind, image)
    check(second.stdout == first.stdout, f"{kind}: the same bytes again")
    for program in programs:
        again = run(program, "replay", recording, timeout=600)
        check(again.returncode == 0 and again.stdout.startswith(b"the same:"), f"{kind}: repeated by {program}")
    if again.returncode != 0:
        print(again.stdout.decode()[-600:], again.stderr.decode()[-600:])


def check_refusals(program: Path, image: Path, folder: Path) -> None:
    recording = folder / "pv64.recording"
    whole = recording.read_bytes()
    broken = folder / "broken.recording"
    for name, content in (("cut short", whole[:-3]), ("empty", b""), ("something else", b"MZ" * 300),
                          ("another version", whole.replace(b'"version":1', b'"version":2', 1))):
        broken.write_bytes(content)
        said = run(program, "replay", broken)
        check(said.returncode == 64 and b"broken.recording" in said.stderr, f"a recording that is {name} is refused")
    wrong = folder / "other.recording"
    at = whole.index(b"\n") + 1 + 8 * 40
    wrong.write_bytes(whole[:at] + bytes(8) + whole[at + 8:])
    said = run(program, "replay", wrong)
    check(said.returncode == 1 and b"exit 40 differs" in said.stdout, "the first exit that differs is named")
    plain = folder / "plain"
    plain.write_text("not a kernel\n" * 100)
    for kernel, why in ((plain, b"not an ELF file"), (folder, b""), (folder / "absent", b"No such file"),
                        (program, b"fixed address")):
        said = run(program, "run", kernel)
        check(said.returncode == 64 and why in said.stderr, f"{kernel.name}: refused as a kernel")
    said = run(program, "run", image, "--memory", "8")
    check(said.returncode == 64 and b"need at least" in said.stderr, "a kernel that does not fit is refused")


def symbol(image: Path, name: str) -> int:
    for line in subprocess.run(["nm", str(image)], capture_output=True, text=True, check=True).stdout.splitlines():
        address, _, found = line.split(maxsplit=2)
        if name in found:
            return int(address, 16)
    sys.exit(f"{image}: no symbol like {name}")


def debug(program: Path, recording: Path, commands: list[str]) -> str:
    """What gdb prints when it is told this, attached to a replay."""
    with subprocess.Popen([str(program), "replay", str(recording), "--gdb", "0"], stdout=subprocess.PIPE, text=True) as server:
        port = server.stdout.readline().rsplit(":", 1)[-1].strip()
        words = ["gdb", "-batch", "-nx", "-ex", "set architecture i386:x86-64", "-ex", f"target remote 127.0.0.1:{port}"]
        for command in [*commands, "kill"]:
            words += ["-ex", command]
        text = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=120, check=False).stdout
        server.terminate()
    return text


def check_gdb(program: Path, folder: Path) -> None:
    """A breakpoint in the agent, back over a hypercall, and the earlier registers."""
    agent = program.parent / "agent.elf"
    recording = folder / "agent.recording"
    run(program, "run", "--type", "pv64", agent, "--limit", "20", "--record", recording)
    place = symbol(agent, "agent9hypercall")
    text = debug(program, recording, [
        f"break *{place:#x}", "continue", "continue", "printf \"first %lx %lx\\n\", $rdi, $rsi", "monitor info",
        "continue", "printf \"next %lx %lx\\n\", $rdi, $rsi", "monitor info",
        "reverse-continue", "printf \"back %lx %lx\\n\", $rdi, $rsi", "monitor info", "info threads"])
    found = {key: re.search(rf"^{key} (.*)$", text, re.M) for key in ("first", "next", "back")}
    positions = re.findall(r"^position (\d+)", text, re.M)
    check(all(found.values()) and len(positions) == 3, "gdb stops at the agent's hypercalls")
    if not all(found.values()) or len(positions) != 3:
        print(text[-3000:])
        return
    check(int(positions[0]) < int(positions[1]), "the second hypercall is later than the first")
    check(positions[2] == positions[0] and found["back"][1] == found["first"][1],
          f"back over a hypercall the registers are the earlier ones: {found['back'][1]}")
    check("d1v0" in text, "vCPUs are threads")


def main() -> int:
    programs = [path for path in (Path(folder) / "assay" for folder in sys.argv[1:]) if path.exists()]
    if not programs or shutil.which("grub-mkstandalone") is None:
        print("skipped: no program, or no grub-mkstandalone")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = make_images(folder)
        start = time.monotonic()
        for kind, image in images.items():
            check_grub(programs, kind, image, folder)
        check_refusals(programs[0], images["pv64"], folder)
        if shutil.which("gdb") is not None:
            check_gdb(programs[0], folder)
        else:
            print("skipped: no gdb")
        print(f"{time.monotonic() - start:.1f} s, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
