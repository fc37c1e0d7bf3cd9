"""The package as a whole: its types, its example."""

import ast
import subprocess
import sys
from pathlib import Path

import assay
from assay import _core


def public(names):
    return {name for name in names if not name.startswith("_")}


def test_stub_has_what_the_module_has(source):
    stub = ast.parse((source / "tools/python/assay/_core.pyi").read_text())
    told = {node.name: node for node in stub.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    assert set(told) == public(dir(_core))
    for name, node in told.items():
        if isinstance(node, ast.ClassDef) and not issubclass(getattr(_core, name), Exception):
            members = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
            assert public(members) == public(dir(getattr(_core, name))), name


def test_everything_public_is_documented():
    for name in assay.__all__:
        thing = getattr(assay, name)
        assert isinstance(thing, int) or name in ("Event", "Step", "Snapshot", "View", "faults") or thing.__doc__, name
    for name in public(dir(assay.Machine)):
        assert getattr(assay.Machine, name).__doc__, name


def test_types_agree():
    run = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir=/dev/null", "-p", "assay"],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_example_finds_the_fault_and_draws_it(source, tmp_path):
    run = subprocess.run([sys.executable, source / "tools/python/examples/starvation.py", tmp_path], capture_output=True,
                         text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "\n0 of 16 without it" in run.stdout
    assert "the same digest both times: True" in run.stdout
    picture, = Path(tmp_path).iterdir()
    assert picture.stat().st_size > 2000


def test_example_draws_without_matplotlib(source, tmp_path):
    code = ("import sys, runpy\nsys.modules['matplotlib'] = None\nsys.argv = ['starvation', sys.argv[2]]\n"
            f"runpy.run_path({str(source / 'tools/python/examples/starvation.py')!r})\n")
    run = subprocess.run([sys.executable, "-c", code, "-", tmp_path], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    text = (tmp_path / "starvation.svg").read_text()
    assert text.startswith("<svg") and text.count("<rect") > 10
