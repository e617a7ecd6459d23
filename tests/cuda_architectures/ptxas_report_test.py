#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of ptxas_report.py on text as ptxas 13.0 writes it."""
import unittest

import ptxas_report

TEXT = """\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_ZN10quantscope4cuda12_GLOBAL__N_114product_kernelENS0_16ProductArgumentsE' for 'sm_90'
ptxas info    : Function properties for _ZN10quantscope4cuda12_GLOBAL__N_114product_kernelENS0_16ProductArgumentsE
    40 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 255 registers, used 1 barriers, 40 bytes cumulative stack size, 1024 bytes smem, 400 bytes cmem[0]
"""


class PtxasReport(unittest.TestCase):
    def test_reads_registers_shared_memory_and_spills(self):
        usage, = ptxas_report.usages(TEXT.splitlines())
        self.assertEqual((usage.architecture, usage.registers, usage.shared, usage.stack, usage.spilled),
                         ("sm_90", 255, 1024, 40, 28))

    def test_names_kernels_as_in_the_source(self):
        self.assertEqual(ptxas_report.base_name("void a::(anonymous namespace)::few<(a::B)1, 4>(a::C, int)"), "few<(a::B)1, 4>")
        self.assertEqual(ptxas_report.base_name("a::(anonymous namespace)::product_kernel(a::C)"), "product_kernel")

    def test_a_spill_in_a_listed_kernel_is_a_problem(self):
        usage, = ptxas_report.usages(TEXT.splitlines())
        all_listed = [("product_kernel", usage)] + [(name, ptxas_report.Usage("", "sm_90"))
                                                    for name in ptxas_report.MUST_NOT_SPILL]
        self.assertEqual(ptxas_report.problems(all_listed), ["product_kernel spills 28 bytes for sm_90"])
        self.assertEqual(ptxas_report.problems(all_listed[1:]), [])

    def test_a_listed_name_without_a_kernel_is_a_problem(self):
        self.assertEqual(len(ptxas_report.problems([])), len(ptxas_report.MUST_NOT_SPILL))


if __name__ == "__main__":
    unittest.main()
