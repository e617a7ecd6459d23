// SPDX-License-Identifier: GPL-3.0-or-later

/// Stands for a run-time library that is not installed: no search path of the loader leads to it.
extern "C" int absent_function();

int absent_function() { return 1; }
