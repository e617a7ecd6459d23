# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the tests of a JUnit file written by ctest and names those that were skipped.

usage: count_tests.py JUNIT_FILE strict|lenient

Exit status 1 when a test failed, or when, under "strict" (the reference data is present), a test says that it was
skipped for want of that data: a suite that silently compares nothing must not look green.
"""

import re
import sys
import xml.etree.ElementTree as xml

# ctest copies test output into the file as it is; these bytes are not allowed in XML.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def read_cases(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return xml.fromstring(FORBIDDEN.sub("", file.read())).iter("testcase")


def skip_lines(output):
    """Lines in which a test says that it skipped something (a Qt test may skip one of its functions)."""
    return [line.strip() for line in output.splitlines() if "SKIPPED:" in line or line.startswith("SKIP   :")]


def main():
    junit_file, mode = sys.argv[1:]
    passed, failed, skipped, without_data = [], [], [], []
    for case in read_cases(junit_file):
        name, output = case.get("name"), case.findtext("system-out") or ""
        if case.find("failure") is not None or case.get("status") == "fail":
            failed.append(name)
        elif case.find("skipped") is not None or case.get("status") != "run":
            skipped.append(name)
        else:
            passed.append(name)
        for line in skip_lines(output):
            print(f"skipped in {name}: {line}")
        if "ORACLE SKIPPED" in output:
            without_data.append(name)
    for name in skipped:
        print(f"skipped: {name}")
    if mode == "strict" and without_data:
        print(f"{len(without_data)} tests were skipped although the reference data is present: that is a failure")
    print(f"{len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not passed or (mode == "strict" and without_data) else 0


sys.exit(main())
