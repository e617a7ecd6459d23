#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints registers, shared memory and spills of every kernel for every architecture, from what keep_ptxas_output.py kept.

usage: ptxas_report.py OBJECT...

Fails when a kernel that must not spill does, or when such a name is not the name of a kernel.
"""
import re
import subprocess
import sys
from dataclasses import dataclass

# Kernels whose speed is that of reading weights or of tensor cores: spilled registers would add traffic of their own.
MUST_NOT_SPILL = ["product_kernel", "int8_product_kernel", "few_rows_kernel", "attention_kernel", "chunk_kernel",
                  "prompt_attention_kernel"]


@dataclass
class Usage:
    """What ptxas says of one kernel for one architecture."""
    kernel: str  # mangled
    architecture: str
    stack: int = 0  # bytes
    spilled: int = 0  # bytes, stores and loads
    registers: int = 0
    shared: int = 0  # bytes, static


def usages(lines):
    """A Usage per kernel in the lines of one object."""
    found = []
    for line in lines:
        if match := re.search(r"Compiling entry function '(\S+)' for '(\S+)'", line):
            found.append(Usage(match[1], match[2]))
        elif match := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            # ptxas says this of functions that are not inlined too; their spills count for the kernel before them.
            found[-1].stack += int(match[1])
            found[-1].spilled += int(match[2]) + int(match[3])
        elif match := re.search(r"Used (\d+) registers", line):
            found[-1].registers = int(match[1])
            shared = re.search(r"(\d+) bytes smem", line)
            found[-1].shared = int(shared[1]) if shared else 0
    return found


def demangle(names):
    """Readable names without parameter lists, in order."""
    text = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    return [base_name(name) for name in text.splitlines()]


def base_name(name):
    """'few_rows<(Levels)1, 4>' of 'void quantscope::cuda::(anonymous namespace)::few_rows<(Levels)1, 4>(Arguments)'."""
    name = name.replace("(anonymous namespace)", "anonymous")
    depth = 0
    for i, letter in enumerate(name):
        depth += (letter == "<") - (letter == ">")
        if depth == 0 and letter == "(":
            name = name[:i]
            break
    name = name.split(" ", 1)[1] if name.startswith("void ") else name
    head, bracket, arguments = name.partition("<")
    return head.rsplit("::", 1)[-1] + bracket + arguments


def problems(table):
    """A sentence for each kernel that spills and must not, and for each name in the list that is no kernel."""
    found = []
    for name in MUST_NOT_SPILL:
        rows = [usage for kernel, usage in table if kernel.partition("<")[0] == name]
        if not rows:
            found.append(f"no kernel is called {name}; correct MUST_NOT_SPILL in ptxas_report.py")
        found += [f"{name} spills {usage.spilled} bytes for {usage.architecture}" for usage in rows if usage.spilled]
    return found


def main(objects):
    found = []
    for path in objects:
        with open(path + ".ptxas", encoding="utf-8") as report:
            found += usages(report)
    table = sorted(zip(demangle([usage.kernel for usage in found]), found), key=lambda row: (row[0], row[1].architecture))
    print(f"{'kernel':<60} {'for':<8} {'registers':>9} {'shared':>7} {'stack':>6} {'spilled':>7}")
    for kernel, usage in table:
        print(f"{kernel:<60} {usage.architecture:<8} {usage.registers:>9} {usage.shared:>7} {usage.stack:>6} "
              f"{usage.spilled:>7}")
    sentences = problems(table)
    for sentence in sentences:
        print("error:", sentence, file=sys.stderr)
    return 1 if sentences or not table else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
