// SPDX-License-Identifier: GPL-3.0-or-later
#include "machine.h"

// What the test reads of the plug-in's own machine.
extern "C" {
__attribute__((visibility("default"))) const char* cuda_on_host_report() {
  return cuda_on_host::machine().report.c_str();
}

__attribute__((visibility("default"))) std::size_t cuda_on_host_allocated() {
  return cuda_on_host::machine().allocated;
}
}
