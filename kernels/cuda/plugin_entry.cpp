// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/cuda_backend.h"
#include "kernels/plugin/backend_plugin.h"

extern "C" __attribute__((visibility("default"))) const quantscope::BackendPluginTable* quantscope_backend_plugin();

const quantscope::BackendPluginTable* quantscope_backend_plugin() {
  static const quantscope::BackendPluginTable table = {quantscope::backend_plugin_version, QUANTSCOPE_PLUGIN_HASH,
                                                       quantscope::cuda::describe_devices,
                                                       quantscope::cuda::CudaBackend::create};
  return &table;
}
