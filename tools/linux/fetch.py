#!/usr/bin/env python3
"""Takes Debian's Linux kernel out of its package (it is never installed) and builds an initrd of one program for it.

Usage: tools/linux/fetch.py FOLDER     writes FOLDER/vmlinux and FOLDER/initrd

The package is the one that linux-image-cloud-amd64 depends on. Exit 69, with what to do, when something cannot be had.
"""

import lzma
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

META_PACKAGE = "linux-image-cloud-amd64"
LZ4 = b"\x02\x21\x4c\x18"
XZ = b"\xfd7zXZ"


def give_up(what: str) -> None:
    print(f"tools/linux/fetch.py: {what}", file=sys.stderr)
    sys.exit(69)


def command(*words: str, cwd: Path | None = None, stdin: bytes | None = None) -> bytes:
    try:
        return subprocess.run(words, cwd=cwd, input=stdin, capture_output=True, check=True).stdout
    except FileNotFoundError:
        give_up(f"{words[0]} is missing: tools/setup linux")
    except subprocess.CalledProcessError as error:
        give_up(f"{' '.join(words[:3])} failed: {error.stderr.decode(errors='replace').strip()[-300:]}")
    raise AssertionError


def kernel_package() -> str:
    depends = command("apt-cache", "depends", META_PACKAGE).decode()
    found = re.search(r"Depends: (linux-image-\S+)", depends)
    if found is None:
        give_up(f"no package index names what {META_PACKAGE} depends on: apt-get update, then try again")
    return found[1]


def payload(image: bytes) -> bytes:
    """The compressed kernel in a bzImage, by the fields of the x86 boot protocol."""
    if image[0x202:0x206] != b"HdrS":
        give_up("the package's kernel is not a bzImage")
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    return image[start:start + length]


def decompress(data: bytes) -> bytes:
    # Behind the compressed data stands its size without compression.
    if data.startswith(XZ):
        return lzma.LZMADecompressor().decompress(data)
    if data.startswith(LZ4):
        return command("lz4", "-dc", "-", stdin=data[:-4])
    return give_up(f"the kernel is compressed in a way that is not known here: {data[:4].hex()}") or b""


def archive(name: str, mode: int, content: bytes) -> bytes:
    """An entry of a cpio archive, of the kind that kernels read ("newc")."""
    size = len(name) + 1
    fields = [1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, size, 0]
    entry = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    entry += bytes(-len(entry) % 4) + content
    return entry + bytes(-len(entry) % 4)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        package = kernel_package()
        command("apt-get", "download", package, cwd=work)
        command("dpkg-deb", "-x", str(next(work.glob("*.deb"))), str(work / "unpacked"))
        image = next((work / "unpacked/boot").glob("vmlinuz-*")).read_bytes()
        (target / "vmlinux").write_bytes(decompress(payload(image)))
        init = work / "init"
        command("gcc", "-O2", "-static", "-o", str(init), str(Path(__file__).with_name("init.c")))
        content = archive("dev", 0o040755, b"") + archive("init", 0o100755, init.read_bytes())
        (target / "initrd").write_bytes(content + archive("TRAILER!!!", 0, b""))
    print(f"{package}: {target / 'vmlinux'}, {target / 'initrd'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
