// SPDX-License-Identifier: GPL-3.0-or-later
#include <QApplication>
#include <QCheckBox>
#include <QLabel>
#include <QMenuBar>
#include <QMessageBox>
#include <QPushButton>
#include <QScrollArea>
#include <QSettings>
#include <QSignalSpy>
#include <QStandardPaths>
#include <QStatusBar>
#include <QTest>

#include "tests/support/answered_run.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"
#include "ui/charts/chart_view.h"
#include "ui/models/result_rows.h"
#include "ui/panels/choice_box.h"
#include "ui/panels/configuration_panel.h"
#include "ui/theme/theme.h"
#include "ui/window/actions.h"
#include "ui/window/error_box.h"
#include "ui/window/job_bar.h"
#include "ui/window/main_window.h"
#include "ui/window/workspace_control.h"

using namespace quantscope;
using namespace quantscope::ui;
using quantscope::testing::answered_run;
using quantscope::testing::TemporaryFolder;
using quantscope::testing::TinyStudy;

namespace {

constexpr int patience_ms = 120000;  // generous: sanitizers and busy machines

QList<QMessageBox*> boxes_of(const MainWindow& window) {
  QList<QMessageBox*> shown = window.findChildren<QMessageBox*>();
  shown.removeIf([](const QMessageBox* box) { return !box->isVisible(); });
  return shown;
}

double luminance(const QColor& color) {
  const auto linear = [](double channel) {
    return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF());
}

/// WCAG 2.1's contrast ratio of two colours.
double contrast(const QColor& a, const QColor& b) {
  const auto [low, high] = std::minmax({luminance(a), luminance(b)});
  return (high + 0.05) / (low + 0.05);
}

}  // namespace

/// What the window says, asks and keeps in sight.
class NoticesTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() {
    QStandardPaths::setTestModeEnabled(true);
    QCoreApplication::setOrganizationName(QStringLiteral("quantscope-test"));
    QCoreApplication::setApplicationName(QStringLiteral("notices_test"));
  }
  void init() { QSettings().clear(); }

  void what_the_status_bar_is_told_can_be_read() {
    MainWindow window(ResourcePaths::locate());
    window.show();
    const auto* bar = window.findChild<JobBar*>();
    QCOMPARE(bar->job_text(), QStringLiteral("Ready"));
    window.statusBar()->showMessage(QStringLiteral("Report saved to /somewhere"));
    QCOMPARE(bar->job_text(), QStringLiteral("Report saved to /somewhere"));
    window.statusBar()->clearMessage();
    QCOMPARE(bar->job_text(), QStringLiteral("Ready"));
  }

  void one_box_says_what_every_run_failed_of() {
    const TemporaryFolder folder;
    const TinyStudy study(folder.path() / "study");
    MainWindow window(ResourcePaths::locate());
    for (const char* configuration : {"fp32", "nf4", "fp4"}) {
      RunRequest request = study.request(configuration);
      request.tasks.front().data = study.file("missing.json").string();
      window.queue().add(request, {});
    }
    QTRY_VERIFY_WITH_TIMEOUT(!window.queue().is_busy(), patience_ms);
    for (const RunEntry& entry : window.runs().entries()) QCOMPARE(entry.stage, RunEntry::Stage::failed);
    QCOMPARE(boxes_of(window).size(), 1);
    show_error(&window, Error{ErrorCode::io, "Something else.", {}, {}});
    QCOMPARE(boxes_of(window).size(), 2);
  }

  void return_closes_an_error_and_a_place_is_named_once() {
    QWidget parent;
    show_error(&parent, Error{ErrorCode::io, "Cannot write /a/b.", {}, "/a/b"});
    auto* box = parent.findChild<QMessageBox*>();
    QVERIFY(box->standardButton(box->defaultButton()) == QMessageBox::Close);
    QCOMPARE(box->informativeText(), QString());
    QWidget another;
    show_error(&another, Error{ErrorCode::io, "It is damaged.", {}, "/a/b, byte 4"});
    QCOMPARE(another.findChild<QMessageBox*>()->informativeText(), QStringLiteral("/a/b, byte 4"));
  }

  void closing_asks_before_results_are_lost() {
    const TemporaryFolder folder;
    MainWindow window(ResourcePaths::locate());
    int asked = 0;
    window.workspace().set_question([&](const QString& sentence) {
      ++asked;
      return !sentence.contains(QStringLiteral("results of one run"));
    });
    window.show();
    window.runs().add(row_of(answered_run("nf4", 3, 7)));
    QVERIFY(!window.close());
    QVERIFY(window.isVisible());
    QCOMPARE(asked, 1);
    window.runs().note_report();
    QVERIFY(window.close());
    QCOMPARE(asked, 1);
  }

  void no_access_key_is_taken_twice() {
    MainWindow window(ResourcePaths::locate());
    window.show();
    QVERIFY(QTest::qWaitForWindowExposed(&window));
    QMap<QString, QString> taken;
    const auto take = [&](const QString& text) {
      const QKeySequence key = QKeySequence::mnemonic(text);
      if (key.isEmpty()) return;
      QVERIFY2(!taken.contains(key.toString()), qPrintable(text + u' ' + taken.value(key.toString())));
      taken.insert(key.toString(), text);
    };
    for (const QAction* menu : window.menuBar()->actions()) take(menu->text());
    for (const QLabel* label : window.findChildren<QLabel*>())
      if (label->buddy() != nullptr && label->isVisible()) take(label->text());
    for (const QAbstractButton* button : window.findChildren<QAbstractButton*>())
      if (button->isVisible()) take(button->text());
    QVERIFY(taken.size() > 15);
  }

  void every_page_is_in_the_list_of_shortcuts() {
    const MainWindow window(ResourcePaths::locate());
    const QString table = const_cast<MainWindow&>(window).actions().shortcut_table(window.pages().size());
    QVERIFY2(table.contains(QStringLiteral("Ctrl+1 … Ctrl+5")), qPrintable(table));
  }

  void controls_stay_whole_in_a_narrow_window() {
    MainWindow window(ResourcePaths::locate());
    window.show();
    window.resize(10, 500);
    QVERIFY(QTest::qWaitForWindowExposed(&window));
    for (const char* name : {"type", "double_quantization", "device"}) {
      const auto* box = window.configuration_panel().findChild<ChoiceBox*>(QLatin1String(name));
      const QScrollArea* area = window.configuration_panel().findChild<QScrollArea*>();
      const int right = box->mapTo(area->viewport(), QPoint(box->width(), 0)).x();
      QVERIFY2(right <= area->viewport()->width() && box->width() >= box->minimumSizeHint().width(), name);
    }
  }

  void long_values_do_not_widen_a_chart() {
    ChartView view;
    const int before = view.minimumSizeHint().width();
    view.findChild<QLabel*>(QStringLiteral("chart_readout"))->setText(QString(400, u'm'));
    QCOMPARE(view.minimumSizeHint().width(), before);
  }

  void settings_that_nothing_decides_yet_are_not_blank() {
    MainWindow window(ResourcePaths::locate());
    QCOMPARE(window.configuration_panel().control("block_size")->placeholderText(), QStringLiteral("automatic"));
  }

  void an_empty_check_box_is_seen_in_both_themes() {
    for (const Theme theme : {Theme::light, Theme::dark}) {
      apply_theme(theme);
      QCheckBox box;
      box.resize(40, 40);
      const QImage image = box.grab().toImage();
      const QColor background = QApplication::palette().color(QPalette::Window);
      double strongest = 1;
      for (int x = 0; x < image.width(); ++x)
        strongest = std::max(strongest, contrast(image.pixelColor(x, image.height() / 2), background));
      const double wanted = theme == Theme::dark ? 3 : 1.5;  // Fusion's own frame in the light theme is a faint grey
      QVERIFY2(strongest >= wanted, qPrintable(theme_name(theme) + QString::number(strongest)));
    }
  }
};

QTEST_MAIN(NoticesTest)
#include "notices_test.moc"
