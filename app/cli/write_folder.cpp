// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/checkpoint_writers.h"
#include "app/cli/engine.h"
#include "core/experiment/write_checkpoint.h"

namespace quantscope::cli {

Result<void> write_folder(const WriteRequest& request, std::string_view format) {
  Settings settings = request.settings;
  settings.device = "cpu";
  auto resolved = resolve_or_explain(settings, request.checkpoint, request.backend.description(), 1);
  if (!resolved) return tl::unexpected(std::move(resolved.error()));
  const auto written = write_checkpoint(request.checkpoint, *resolved, request.backend, format, request.out,
                                        request.progress, request.stop);
  if (!written) return tl::unexpected(written.error());
  return {};
}

}  // namespace quantscope::cli
