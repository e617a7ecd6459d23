// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/screenshot.h"

#include <QApplication>
#include <QPixmap>
#include <QTextStream>
#include <QTimer>

#include "ui/window/main_window.h"
#include "ui/window/run_control.h"
#include "ui/window/save_file.h"
#include "ui/window/workspace_control.h"

namespace quantscope::ui {
namespace {

constexpr int settle_ms = 1500;  // previews, pairs and charts that follow the last result

}  // namespace

int take_screenshot(MainWindow& window, const ScreenshotPlan& plan) {
  const auto save_and_leave = [&] {
    if (plan.page > 0)
      window.show_page(plan.page - 1);
    else if (plan.compare)
      window.show_results();
    else
      window.show_page(0);
    QTimer::singleShot(settle_ms, &window, [&] {
      const bool saved = write_image(window.grab().toImage(), plan.file);
      if (!saved) QTextStream(stderr) << "quantscope: the picture cannot be written to " << plan.file << ".\n";
      QApplication::exit(saved ? 0 : 1);
    });
  };
  const auto give_up = [](const Error& error) {
    QTextStream(stderr) << "quantscope: " << QString::fromStdString(error.message) << '\n';
    QApplication::exit(1);
  };
  QObject::connect(&window, &MainWindow::open_failed, &window, give_up);
  QObject::connect(&window.workspace(), &WorkspaceControl::failed, &window, give_up);
  if (is_workspace_path(plan.model))
    QObject::connect(&window.workspace(), &WorkspaceControl::changed, &window, save_and_leave);
  else
    QObject::connect(&window, &MainWindow::checkpoint_opened, &window, [&] {
      if (!plan.compare) {
        save_and_leave();
        return;
      }
      QObject::connect(&window.queue(), &RunQueue::became_idle, &window, save_and_leave);
      window.control().compare_all();
    });
  window.open_path(plan.model);
  return QApplication::exec();
}

}  // namespace quantscope::ui
