# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the float32 bits of all 256 codes of float8_e4m3fn as the package ml_dtypes decodes them."""
import ml_dtypes
import numpy as np

values = np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e4m3fn).astype(np.float32)
print("\n".join(f"{bits:08x}" for bits in values.view(np.uint32)))
