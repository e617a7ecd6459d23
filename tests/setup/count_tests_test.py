# SPDX-License-Identifier: GPL-3.0-or-later
"""count_tests.py against small JUnit files: what it counts, and when it fails."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).with_name("count_tests.py")
PASSED = '<testcase name="a" status="run"><system-out>fine\x01</system-out></testcase>'
FAILED = '<testcase name="b" status="fail"><failure message=""/><system-out/></testcase>'
SKIPPED = '<testcase name="c" status="notrun"><skipped message=""/><system-out>no GPU</system-out></testcase>'
ORACLE = (
    '<testcase name="d" status="notrun"><skipped message=""/>'
    "<system-out>ORACLE SKIPPED: reference data not found</system-out></testcase>"
)
# A Qt test program passes as a whole even when one of its functions was skipped.
HIDDEN = '<testcase name="e" status="run"><system-out>SKIP   : T::f() ORACLE SKIPPED: no model</system-out></testcase>'


def count(cases, mode):
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(f"<testsuite>{''.join(cases)}</testsuite>")
        file.flush()
        done = subprocess.run([sys.executable, SCRIPT, file.name, mode], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


class CountTests(unittest.TestCase):
    def test_counts_each_kind(self):
        status, lines = count([PASSED, PASSED, FAILED, SKIPPED], "lenient")
        self.assertEqual(lines[-1], "2 passed, 1 failed, 1 skipped")
        self.assertEqual(status, 1)

    def test_names_what_was_skipped(self):
        status, lines = count([PASSED, SKIPPED], "strict")
        self.assertIn("skipped: c", lines)
        self.assertEqual(status, 0)

    def test_a_comparison_skipped_beside_its_data_is_a_failure(self):
        self.assertEqual(count([PASSED, ORACLE], "strict")[0], 1)
        self.assertEqual(count([PASSED, ORACLE], "lenient")[0], 0)

    def test_sees_a_skip_inside_a_passing_program(self):
        self.assertEqual(count([HIDDEN], "strict")[0], 1)

    def test_nothing_passed_is_a_failure(self):
        self.assertEqual(count([SKIPPED], "lenient")[0], 1)


if __name__ == "__main__":
    unittest.main()
