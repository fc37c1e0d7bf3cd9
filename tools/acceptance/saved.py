#!/usr/bin/env python3
"""Guests that are saved into files and restored, as people do it: on the bundled core, on the real Xen and across, twice over;
and with files that are missing, damaged, in the way or too large, and Ctrl-C.

Usage: saved.py BIN [VERIFIER [LINUX]]: the folder of the `assay` program, that of Xen's verify-stream-v2, that of a Linux kernel
(tools/setup linux; it takes a minute more and is not in the tests). What is not there is left out, and told. Exit 1 when
something is not as it should be.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BAD_INPUT, UNAVAILABLE, HARNESS, INTERRUPTED, INCONCLUSIVE = 64, 69, 70, 130, 2
failures: list[str] = []


def check(holds: bool, what: str, output: str = "") -> None:
    print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)
    if not holds:
        failures.append(what)
        print(output[-3000:])


class Assay:
    """The program, in a folder of its own."""

    def __init__(self, program: Path, folder: Path):
        self.program, self.folder = program, folder

    def __call__(self, *words: object, timeout: int = 300) -> tuple[int, str]:
        done = subprocess.run([str(self.program), *map(str, words)], capture_output=True, timeout=timeout, check=False,
                              cwd=self.folder)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def expect(self, code: int, text: str, *words: object, **more: int) -> str:
        got, output = self(*words, **more)
        check(got == code and text in output, f"{' '.join(map(str, words))}: exit {code}, \"{text}\"", f"exit {got}\n{output}")
        return output

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


def round_trips(assay: Assay, has_xen: bool) -> None:
    """Saved here, restored there and saved again, restored here: it counts on."""
    ways = [("hv", "hv")] + ([("hv", "xen"), ("xen", "hv")] if has_xen else [])
    for kind in ("pv64", "pvh"):
        for home, abroad in ways:
            first, second = f"{kind}-{home}-{abroad}.1", f"{kind}-{home}-{abroad}.2"
            assay.expect(0, "count 10; ", "save", "--guest", kind, "--vcpus", 2, "--target", home, "--out", first)
            assay.expect(0, "memory as it was, count 15", "restore", first, "--target", abroad, "--limit", 5, "--out", second)
            assay.expect(0, "memory as it was, count 18", "restore", second, "--target", home, "--limit", 3)


def streams_are_xens(assay: Assay, verifier: Path) -> None:
    script = verifier / "bin" / "verify-stream-v2"
    if not script.exists():
        print("left out: Xen's verify-stream-v2 is not there")
        return
    env = {**os.environ, "PYTHONPATH": str(verifier / "python")}
    for path in sorted(assay.folder.glob("p*.1")):
        done = subprocess.run([sys.executable, str(script), "--in", str(path)], capture_output=True, text=True, env=env,
                              check=False)
        check(done.returncode == 0, f"verify-stream-v2 accepts {path.name}", done.stdout + done.stderr)


def damaged_files(assay: Assay) -> None:
    assay.expect(0, "saved:", "save", "--guest", "pv64", "--out", "whole")
    whole, note = (assay.folder / "whole").read_bytes(), (assay.folder / "whole.json").read_text()

    def damaged(name: str, stream: bytes | None, text: str | None, said: str, code: int = BAD_INPUT) -> None:
        for path, content in ((assay.folder / name, stream), (assay.folder / f"{name}.json", text and text.encode())):
            if content is not None:
                path.write_bytes(content)
        assay.expect(code, said, "restore", name)

    damaged("alone", whole, None, "alone.json: not there")
    damaged("noted", None, note, "noted: there is no such file")
    damaged("cut", whole[:-100], note, "It was cut")
    damaged("hit", whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:], note, "its checksum is")
    damaged("text", whole, "hello", "no JSON")
    other = json.loads(note)
    other["domain"]["type"] = "pvh"
    damaged("kind", whole, json.dumps(other), "an image of a pv64 domain")
    other = json.loads(note)
    other["domain"]["vcpus"] = other["domain"]["vcpus_online"] = 2
    damaged("more", whole, json.dumps(other), "vcpu 1 of domain 1 does not reach its serving loop", 1)
    other = json.loads(note)
    other["agent"]["image_hash"] = "0" * 16
    damaged("agent", whole, json.dumps(other), "another build of the agent")
    assay.expect(0, "memory as it was", "restore", "whole")


def places(assay: Assay) -> None:
    save = ("save", "--guest", "pvh", "--out")
    assay.expect(0, "saved:", *save, "there")
    before = (assay.folder / "there").read_bytes()
    assay.expect(BAD_INPUT, "there: there already; --force replaces it", *save, "there")
    assay.expect(0, "saved:", *save, "there", "--force", "--seed", 3)
    check((assay.folder / "there").read_bytes() != before, "--force has replaced it")
    assay.expect(BAD_INPUT, "cannot be written: No such file", *save, "nowhere/guest")
    assay.expect(BAD_INPUT, "a folder; name a file", *save, ".")
    known = assay.names()
    (assay.folder / "full.partial").symlink_to("/dev/full")
    assay.expect(HARNESS, "full.partial: No space left on device", *save, "full")
    check(assay.names() == known, "a full disk leaves nothing", str(assay.names()))
    (assay.folder / "there.partial").symlink_to("/dev/full")
    assay.expect(HARNESS, "there.partial: No space left on device", *save, "there", "--force")
    assay.expect(0, "memory as it was", "restore", "there")
    assay.expect(BAD_INPUT, "save what?", "save", "--out", "x")
    assay.expect(BAD_INPUT, "kernels are run on cores", "save", sys.executable, "--target", "xen", "--out", "x")
    assay.expect(BAD_INPUT, "--until: the agent prints nothing", *save, "x", "--until", "hello")


def interrupted(assay: Assay) -> None:
    known = assay.names()
    for words in (("save", "--guest", "pv64", "--limit", "100000000", "--out", "late"),
                  ("restore", "whole", "--limit", "100000000", "--out", "late")):
        with subprocess.Popen([str(assay.program), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd=assay.folder) as process:
            time.sleep(2)
            process.send_signal(signal.SIGINT)
            text = process.communicate(timeout=60)[0]
        check(process.returncode == INTERRUPTED and "no file was written" in text, f"Ctrl-C during {words[0]}: exit 130", text)
        check(assay.names() == known, "it leaves nothing", str(assay.names()))


def kernel_that_does_not_suspend(assay: Assay) -> None:
    """GRUB waits for a key, and knows nothing of control/shutdown."""
    if shutil.which("grub-mkstandalone") is None:
        print("left out: no GRUB")
        return
    config = assay.folder / "grub.cfg"
    config.write_text("echo ready to wait\n")
    subprocess.run(["grub-mkstandalone", "-O", "i386-xen_pvh", "-o", "grub.img", f"boot/grub/grub.cfg={config}"],
                   check=True, capture_output=True, cwd=assay.folder)
    known = assay.names()
    assay.expect(INCONCLUSIVE, "was asked to suspend itself", "save", "grub.img", "--type", "pvh", "--limit", 2000,
                 "--until", "ready to wait", "--out", "grub")
    assay.expect(INCONCLUSIVE, "its console has not said \"nothing of the kind\"", "save", "grub.img", "--type", "pvh",
                 "--limit", 10, "--until", "nothing of the kind", "--out", "grub")
    check(assay.names() == known, "nothing is written then", str(assay.names()))


def linux_moves(assay: Assay, kernels: Path) -> None:
    """Debian's kernel suspends itself when it is asked through the store, and goes on in another domain."""
    if not (kernels / "vmlinux").exists():
        print("left out: no Linux (tools/setup linux)")
        return
    assay.expect(0, "saved after", "save", kernels / "vmlinux", "--type", "pvh", "--initrd", kernels / "initrd",
                 "--memory", 128, "--cmdline", "console=hvc0", "--limit", 20000, "--until", "hello from user space",
                 "--out", "linux", timeout=600)
    output = assay.expect(0, "guest poweroff after", "restore", "linux", "--limit", 20000, timeout=600)
    check("slept as long as it wanted" in output, "Linux goes on to its end", output)


def main() -> int:
    program = Path(sys.argv[1]).resolve() / "assay"
    folders = [Path(word).resolve() for word in sys.argv[2:]] + [Path("/nonexistent")] * 2
    with tempfile.TemporaryDirectory() as name:
        assay = Assay(program, Path(name))
        code, output = assay("save", "--guest", "pv64", "--target", "xen", "--out", "probe")
        check(code in (0, UNAVAILABLE), "the real Xen is there, or is said not to be", output)
        if code == UNAVAILABLE:
            print("left out: the real Xen is not there")
        round_trips(assay, code == 0)
        streams_are_xens(assay, folders[0])
        damaged_files(assay)
        places(assay)
        interrupted(assay)
        kernel_that_does_not_suspend(assay)
        linux_moves(assay, folders[1])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
