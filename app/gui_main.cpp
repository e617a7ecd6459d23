// SPDX-License-Identifier: GPL-3.0-or-later
#include <QApplication>
#include <QCommandLineParser>
#include <QSettings>
#include <QTextStream>
#include <QTimer>

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
  parser.addPositionalArgument(QStringLiteral("model"),
                               QStringLiteral("A checkpoint folder, .gguf file, config.json or \"default\"."),
                               QStringLiteral("[model]"));
  parser.addOptions({
      {QStringLiteral("render-report"),
       QStringLiteral("Draw the charts of the report folder DIR (it holds a run.json) and exit."),
       QStringLiteral("DIR")},
      {QStringLiteral("screenshot"), QStringLiteral("Save a picture of the window as FILE (PNG) and exit."),
       QStringLiteral("FILE")},
      {QStringLiteral("model"), QStringLiteral("The checkpoint to open."), QStringLiteral("MODEL")},
      {QStringLiteral("compare"),
       QStringLiteral("With --screenshot: compare all configurations on a few questions first.")},
      {QStringLiteral("page"), QStringLiteral("With --screenshot: show page N, the first being 1."),
       QStringLiteral("N")},
      {QStringLiteral("theme"), QStringLiteral("system, light or dark."), QStringLiteral("NAME")},
      {QStringLiteral("exit-after-startup"), QStringLiteral("Open the window and close it again: a smoke test.")},
  });
}

}  // namespace

int main(int argc, char** argv) {
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
  const QStringList positional = parser.positionalArguments();
  if (positional.size() > 1) {
    QTextStream(stderr) << "quantscope: one model at a time; see --help.\n";
    return wrong_usage;
  }
  QString model = parser.value(QStringLiteral("model"));
  if (model.isEmpty() && !positional.isEmpty()) model = positional.front();

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
  if (!model.isEmpty()) window.open_checkpoint(model);
  if (parser.isSet(QStringLiteral("exit-after-startup"))) QTimer::singleShot(0, &window, &QWidget::close);
  return QApplication::exec();
}
