// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/plugin/backend_plugin.h"

/// A plug-in of another build. Its functions are null: calling one would crash.
extern "C" const quantscope::BackendPluginTable* quantscope_backend_plugin();

const quantscope::BackendPluginTable* quantscope_backend_plugin() {
  static const quantscope::BackendPluginTable table = {quantscope::backend_plugin_version, "0.0.1-of-another-time",
                                                       nullptr, nullptr};
  return &table;
}
