// SPDX-License-Identifier: GPL-3.0-or-later
#include <QApplication>
#include <QCommandLineParser>
#include <QSettings>
#include <QTextStream>
#include <QTimer>
#include <algorithm>

#include "ui/theme/theme.h"
#include "ui/window/main_window.h"
#include "ui/window/report_export.h"
#include "ui/window/screenshot.h"

namespace {

constexpr int job_failed = 1, wrong_usage = 2;

int complain(const quantscope::Error& error) {
  QTextStream(stderr) << "quantscope: " << QString::fromStdString(error.message) << '\n';
  return job_failed;
}

void add_options(QCommandLineParser& parser) {
  parser.setApplicationDescription(
      QStringLiteral("Shows what each quantization of a language model costs and gains.\n"
                     "Without a display, set QT_QPA_PLATFORM=offscreen; quantscope-cli does the same work as text."));
  parser.addHelpOption();
  parser.addVersionOption();
  parser.addPositionalArgument(
      QStringLiteral("file"),
      QStringLiteral("A checkpoint folder, .gguf file, config.json or \"default\"; or a .quantscope workspace."),
      QStringLiteral("[file]"));
  parser.addOptions({
      {QStringLiteral("render-report"),
       QStringLiteral("Draw the charts of the report folder DIR (it holds a run.json) and exit."),
       QStringLiteral("DIR")},
      {QStringLiteral("screenshot"), QStringLiteral("Save a picture of the window as FILE (PNG) and exit."),
       QStringLiteral("FILE")},
      {QStringLiteral("model"), QStringLiteral("The checkpoint or workspace to open."), QStringLiteral("FILE")},
      {QStringLiteral("compare"),
       QStringLiteral("With --screenshot: compare all configurations on a few questions first.")},
      {QStringLiteral("page"), QStringLiteral("With --screenshot: show page N, the first being 1."),
       QStringLiteral("N")},
      {QStringLiteral("theme"), QStringLiteral("system, light or dark."), QStringLiteral("NAME")},
      {QStringLiteral("exit-after-startup"), QStringLiteral("Open the window and close it again: a smoke test.")},
  });
}

bool is_set(const char* variable) { return !qEnvironmentVariableIsEmpty(variable); }

/// Asked for text or files only; Qt needs a platform even then, and the offscreen one is always there.
bool needs_no_window(int argc, char** argv) {
  const QStringList windowless = {QStringLiteral("--help"), QStringLiteral("-h"), QStringLiteral("--version"),
                                  QStringLiteral("-v"), QStringLiteral("--render-report")};
  return std::any_of(argv + 1, argv + argc,
                     [&](const char* text) { return windowless.contains(QString::fromLocal8Bit(text)); });
}

/// Chooses the offscreen platform where that is enough; false when a window is wanted and nothing can show it, which Qt
/// itself would answer with an abort.
bool choose_platform(int argc, char** argv) {
  if (is_set("QT_QPA_PLATFORM") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) return true;
  if (!needs_no_window(argc, argv)) return false;
  return qputenv("QT_QPA_PLATFORM", "offscreen");
}

/// Opens the window and does what the options say with it; the program's exit code.
int show_window(const QCommandLineParser& parser) {
  const QStringList positional = parser.positionalArguments();
  if (positional.size() > 1) {
    QTextStream(stderr) << "quantscope: one file at a time; see --help.\n";
    return wrong_usage;
  }
  QString model = parser.value(QStringLiteral("model"));
  if (model.isEmpty() && !positional.isEmpty()) model = positional.front();

  using namespace quantscope;
  ui::MainWindow window(ResourcePaths::locate());
  window.show();
  if (parser.isSet(QStringLiteral("screenshot"))) {
    ui::ScreenshotPlan plan;
    plan.file = parser.value(QStringLiteral("screenshot"));
    plan.model = model.isEmpty() ? QStringLiteral("default") : model;
    plan.compare = parser.isSet(QStringLiteral("compare"));
    plan.page = parser.value(QStringLiteral("page")).toInt();
    return ui::take_screenshot(window, plan);
  }
  if (!model.isEmpty()) window.open_path(model);
  if (parser.isSet(QStringLiteral("exit-after-startup"))) QTimer::singleShot(0, &window, &QWidget::close);
  return QApplication::exec();
}

}  // namespace

int main(int argc, char** argv) {
  if (!choose_platform(argc, argv)) {
    QTextStream(stderr)
        << "quantscope: no display (DISPLAY and WAYLAND_DISPLAY are empty); quantscope-cli does the same "
           "work as text.\n";
    return job_failed;
  }
  QApplication application(argc, argv);
  QApplication::setApplicationName(QStringLiteral("quantscope"));
  QApplication::setOrganizationName(QStringLiteral("quantscope"));
  QApplication::setApplicationVersion(QStringLiteral(QUANTSCOPE_VERSION));
  QCommandLineParser parser;
  add_options(parser);
  parser.process(application);

  using namespace quantscope;
  if (parser.isSet(QStringLiteral("render-report"))) {
    ui::apply_theme(ui::Theme::light);
    const auto rendered = ui::render_report(parser.value(QStringLiteral("render-report")));
    return rendered ? 0 : complain(rendered.error());
  }
  const QString theme = parser.isSet(QStringLiteral("theme")) ? parser.value(QStringLiteral("theme"))
                                                              : QSettings().value(QStringLiteral("theme")).toString();
  ui::apply_theme(ui::theme_from_name(theme));
  return show_window(parser);
}
