#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a compiler and keeps what ptxas says about each kernel in OBJECT.ptxas; the rest is passed on.

usage: keep_ptxas_output.py COMPILER ARGUMENTS... -o OBJECT ...
"""
import subprocess
import sys


def is_report(line):
    """Is it a line of `ptxas -v` that only informs?"""
    return line.startswith("ptxas info") or "bytes stack frame" in line


def main(command):
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    lines = done.stderr.splitlines(keepends=True)
    sys.stderr.writelines(line for line in lines if not is_report(line))
    if done.returncode == 0 and "-o" in command:
        target = command[command.index("-o") + 1]
        with open(target + ".ptxas", "w", encoding="utf-8") as report:
            report.writelines(line for line in lines if is_report(line))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
