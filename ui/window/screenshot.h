// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

namespace quantscope::ui {

class MainWindow;

struct ScreenshotPlan {
  QString file;
  QString model;         ///< a checkpoint or a workspace
  bool compare = false;  ///< run the comparison on a few questions first
  int page = 0;          ///< 1-based; 0: Accuracy after a comparison, else Weights
};

/// Opens what it names, compares if asked to, saves a picture of the window; runs the event loop meanwhile. An exit
/// code.
int take_screenshot(MainWindow& window, const ScreenshotPlan& plan);

}  // namespace quantscope::ui
