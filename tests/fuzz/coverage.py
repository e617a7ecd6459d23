#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of each reader's source a corpus reaches: entered functions and edges, per file of core/.

usage: coverage.py FOLDER_OF_FUZZERS CORPUS_FOLDER [TARGET ...]      (as tests/run.sh --fuzz leaves them)
"""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

LINE = re.compile(r"^(UN)?COVERED_FUNC: hits: \d+ edges: (\d+)/(\d+) .*?/((?:core|kernels)/[\w/.]+):\d+$")


def coverage(program, corpus):
    files = defaultdict(lambda: [0, 0, 0, 0])
    run = subprocess.run([program, "-runs=0", "-print_coverage=1", corpus], capture_output=True, text=True, errors="replace")
    for line in run.stderr.splitlines():
        if match := LINE.match(line):
            file = files[match[4]]
            file[0] += match[1] is None
            file[1] += 1
            file[2] += int(match[2])
            file[3] += int(match[3])
    return files


def main():
    programs, corpus = Path(sys.argv[1]), Path(sys.argv[2])
    for target in sys.argv[3:] or sorted(path.name.removesuffix("_fuzzer") for path in programs.glob("*_fuzzer")):
        print(target)
        for name, (entered, functions, reached, edges) in sorted(coverage(programs / f"{target}_fuzzer", corpus / target).items()):
            if entered and name.startswith("core/"):
                print(f"  {name:48} functions {entered:4}/{functions:<4} edges {reached:5}/{edges:<5} {reached / edges:5.0%}")


main()
