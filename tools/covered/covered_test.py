#!/usr/bin/env python3
"""What tools/coverage reads: tracefiles, the list of holes, Xen's symbols, QEMU's log. Good input, bad input, and that every
check can fail."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import tracefile  # noqa: E402
import uncovered  # noqa: E402
import xen_functions  # noqa: E402
from tracefile import BadInput  # noqa: E402

TRACE = """SF:hv/a.cpp
FN:2,_ZN2hv12_GLOBAL__N_13oneEi
FN:10,_ZN2hv3twoEv
FNDA:3,_ZN2hv3twoEv
DA:2,4
DA:3,0
DA:10,3
BRDA:3,0,0,-
BRDA:10,0,0,3
BRDA:10,0,1,0
end_of_record
"""
SOURCE = "\n" * 1 + "void one(int) {\n  lost();\n}\n" + "\n" * 5 + "void two() { if (x) y(); }\n"


def trace(**counts: int) -> tracefile.Tracefile:
    lines = "".join(f"DA:{name[1:]},{count}\n" for name, count in counts.items())
    return tracefile.parse(f"SF:hv/a.cpp\n{lines}end_of_record\n", "test")


class Tracefiles(unittest.TestCase):
    def test_totals(self):
        found = tracefile.totals(tracefile.parse(TRACE, "t"))
        self.assertEqual((found.lines, found.lines_hit, found.branches, found.branches_hit), (3, 2, 3, 1))

    def test_function_of_a_line(self):
        source = tracefile.parse(TRACE, "t")["hv/a.cpp"]
        self.assertIn("one", source.function_at(9))
        self.assertIn("two", source.function_at(10))
        self.assertEqual(source.function_at(1), "")

    def test_damaged(self):
        for text, word in ((TRACE.replace("DA:3,0", "DA:x,0"), "t:6: 'x' is not a number"),
                           (TRACE.replace("end_of_record\n", ""), "ends in the middle"),
                           ("DA:1,2\n", "t:1"), (TRACE.replace("BRDA:10,0,0,3", "BRDA:10,0"), "t:9"), ("", "nothing")):
            with self.assertRaisesRegex(BadInput, word):
                tracefile.parse(text, "t")

    def test_missing_file(self):
        with self.assertRaisesRegex(BadInput, "no-such-file: cannot be read"):
            tracefile.read(Path("no-such-file"))

    def test_counts_that_add_up_and_counts_rolled_back(self):
        boot, a, b, c = 7, 1, 2, 5
        one = trace(l1=boot + a + b + c), trace(l1=boot + b)
        other = trace(l1=boot + a + b), trace(l1=boot + b + c)
        self.assertEqual(tracefile.miscounted(one, other), [])
        rolled_back = trace(l1=boot + c), trace(l1=boot + b)  # only the last case is left of three
        self.assertEqual(tracefile.miscounted(rolled_back, (trace(l1=boot + b), trace(l1=boot + c))), [])
        self.assertEqual(len(tracefile.miscounted(rolled_back, other)), 1)


class Holes(unittest.TestCase):
    def check(self, entries: str) -> uncovered.Checked:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "hv").mkdir()
            (root / "hv/a.cpp").write_text(SOURCE)
            (root / "list.yaml").write_text(entries)
            return uncovered.check(tracefile.parse(TRACE, "t"), uncovered.read_entries(root / "list.yaml"), root)

    def test_without_reasons(self):
        self.assertEqual([str(hole) for hole in self.check("[]").unexplained],
                         ["hv/a.cpp:3: one: not executed: lost();",
                          "hv/a.cpp:10: two: 1 of 2 sides not taken: void two() { if (x) y(); }"])

    def test_explained_by_function_and_by_code(self):
        found = self.check("- {file: hv/a.cpp, functions: [one], reason: r}\n- {code: 'if \\(x\\)', reason: r}\n")
        self.assertEqual((len(found.explained), found.unexplained, found.stale), (2, [], []))

    def test_another_function_explains_nothing_and_is_stale(self):
        found = self.check("- {file: hv/a.cpp, functions: [other], reason: gone}\n")
        self.assertEqual(len(found.unexplained), 2)
        self.assertEqual(found.lines()[-1], "list.yaml: entry 1: explains nothing any more, remove all of it: gone")

    def test_one_function_of_several_is_stale(self):
        found = self.check("- {file: hv/a.cpp, functions: [one, two, three], reason: gone}\n")
        self.assertEqual(found.lines(), ["list.yaml: entry 1: explains nothing any more, remove three: gone"])

    def test_bad_entries(self):
        for text, word in (("- {file: hv/a.cpp}", "needs `reason`"), ("- {reason: r}", "`file` or `code`"),
                           ("- {file: a, reason: r, line: 3}", "nothing else"),
                           ("- {file: a, functions: one, reason: r}", "list of names"), ("- {code: '(', reason: r}", "regular"),
                           ("a: b", "must be a list"), ("- [", "list.yaml")):
            with self.assertRaisesRegex(BadInput, word):
                self.check(text)


SYMBOLS = """  [ 1] .text             PROGBITS        ffff82d040200000 008000 160783 00 WAX  0   0 4096
     1: 0000000000000000     0 FILE    LOCAL  DEFAULT  ABS common/a.c
     2: ffff82d040200010    16 FUNC    LOCAL  DEFAULT    1 helper
     3: ffff82d040200090     4 FUNC    LOCAL  DEFAULT    1 do_a_op.cold
     4: 0000000000000000     0 FILE    LOCAL  DEFAULT  ABS common/b.c
     5: ffff82d040200040    16 FUNC    LOCAL  DEFAULT    1 other.constprop.0
     6: ffff82d040200020    16 FUNC    GLOBAL HIDDEN     1 do_a_op
     7: ffff82d040200030    16 FUNC    GLOBAL HIDDEN     1 a_init
     8: ffff82d0403b7b00    48 FUNC    GLOBAL HIDDEN     4 in_init_text
"""
LOG = """----------------
IN:
0xffff82d040200024:  48 89 e5                 movq     %rsp, %rbp
0xffff82d040200040:  c3                       retq

----------------
IN: named
0xffff82d040200092:
OBJD-T: 0f0b
"""


class XenFunctions(unittest.TestCase):
    def setUp(self):
        self.symbols = xen_functions.parse_symbols(SYMBOLS, "xen-syms")
        self.units = [{"file": "common/a.c", "last": "do_a_op"}, {"file": "common/b.c"}]

    def names(self, units: list[dict]) -> list[tuple[str, str]]:
        return sorted((one.file, one.name) for one in xen_functions.functions_of(self.symbols, units))

    def test_units(self):
        self.assertEqual(self.names(self.units), [("common/a.c", "do_a_op"), ("common/a.c", "helper"), ("common/b.c", "other")])

    def test_bad_units(self):
        for units, word in (([{"file": "common/a.c", "last": "gone"}], "no function gone"),
                            ([{"file": "common/c.c"}], "no local functions"),
                            ([{"file": "common/b.c", "last": "a_init"}], "comes before"),
                            ([*self.units, {"file": "common/c.c", "first": "do_a_op", "last": "a_init"}], "do_a_op is in")):
            with self.assertRaisesRegex(BadInput, word):
                self.names(units)

    def test_handlers_without_a_unit(self):
        functions = xen_functions.functions_of(self.symbols, self.units[1:])
        self.assertEqual(xen_functions.homeless_handlers(self.symbols, functions, ["a_op", "b_op"]), ["do_a_op"])

    def test_reached_by_blocks_in_any_part(self):
        functions = xen_functions.functions_of(self.symbols, self.units)
        blocks = xen_functions.executed_blocks(LOG, "log")
        self.assertEqual(blocks, {0xffff82d040200024, 0xffff82d040200092})  # where blocks begin, not every instruction
        self.assertEqual(xen_functions.reached(functions, blocks), {("common/a.c", "do_a_op")})
        self.assertEqual(xen_functions.reached(functions, {0xffff82d040200092}), {("common/a.c", "do_a_op")})
        self.assertEqual(xen_functions.reached(functions, {0xffff82d040200050}), set())

    def test_bad_files(self):
        with self.assertRaisesRegex(BadInput, "no translated code"):
            xen_functions.executed_blocks("Xen 4.17\n", "log")
        with self.assertRaisesRegex(BadInput, "no section .text"):
            xen_functions.parse_symbols("readelf: Error: Not an ELF file", "xen-syms")
        with self.assertRaisesRegex(BadInput, "no symbols"):
            xen_functions.parse_symbols(SYMBOLS.splitlines()[0], "xen-syms")

    def test_the_table_of_units(self):
        self.assertGreater(len(xen_functions.read_units(Path(__file__).with_name("xen_units.yaml"))), 40)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("- {fil: common/a.c}\n")
            file.flush()
            with self.assertRaisesRegex(BadInput, "entries with `file`"):
                xen_functions.read_units(Path(file.name))


if __name__ == "__main__":
    unittest.main()
