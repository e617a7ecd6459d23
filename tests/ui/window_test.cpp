// SPDX-License-Identifier: GPL-3.0-or-later
#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAbstractSpinBox>
#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QLineEdit>
#include <QSettings>
#include <QSignalSpy>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

#include "tests/support/reference_data.h"
#include "ui/charts/chart_view.h"
#include "ui/models/tensors_model.h"
#include "ui/pages/page.h"
#include "ui/pages/weights_page.h"
#include "ui/panels/choice_box.h"
#include "ui/panels/configuration_panel.h"
#include "ui/panels/forecast_bar.h"
#include "ui/window/actions.h"
#include "ui/window/main_window.h"
#include "ui/window/report_export.h"
#include "ui/window/run_control.h"

using namespace quantscope;
using namespace quantscope::ui;

namespace {

constexpr int patience_ms = 120000;  // generous: sanitizers and busy machines

/// A tiny Llama with a byte-level tokenizer.
QString tiny_model() {
  const auto folder = quantscope::testing::shared_folder();
  return folder.empty() ? QString()
                        : QString::fromStdString((folder / "reference/models/llama3_rope_gqa_tied").string());
}

void open(MainWindow& window, const QString& path) {
  QSignalSpy opened(&window, &MainWindow::checkpoint_opened);
  window.open_checkpoint(path);
  QVERIFY(opened.wait(patience_ms));
}

/// Two stories in CoQA's layout, short enough for a model that knows 512 tokens.
QString write_questions(const QTemporaryDir& folder) {
  const QString path = folder.filePath(QStringLiteral("questions.json"));
  QFile file(path);
  if (!file.open(QIODevice::WriteOnly)) return {};
  file.write(R"({"version": "1.0", "data": [)");
  for (const char* id : {"one", "two"})
    file.write(
        QByteArray(id == std::string_view("one") ? "" : ",") + R"({"id": ")" + id +
        R"(", "source": "test", "story": "Tom had a red ball.", "questions": [{"input_text": "Who?", "turn_id": 1}],
                  "answers": [{"input_text": "Tom", "turn_id": 1}], "additional_answers": {}})");
  file.write("]}");
  return path;
}

QByteArray read_file(const QString& path) {
  QFile file(path);
  return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

}  // namespace

#define REQUIRE_TINY_MODEL() \
  if (tiny_model().isEmpty()) QSKIP("ORACLE SKIPPED: reference data not found (set QUANTSCOPE_SHARED to its folder)")

class WindowTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() {
    QStandardPaths::setTestModeEnabled(true);
    QCoreApplication::setOrganizationName(QStringLiteral("quantscope-test"));
    QCoreApplication::setApplicationName(QStringLiteral("window_test"));
    QSettings().clear();
  }

  void empty_pages_say_the_next_step() {
    MainWindow window(ResourcePaths::locate());
    for (const int page : {0, 2, 3}) {
      QVERIFY(!window.pages()[page]->shows_chart());
      QVERIFY(window.pages()[page]->sentence().contains(QStringLiteral("Ctrl+")));
    }
    QVERIFY(window.pages()[1]->shows_chart());
    QVERIFY(!window.actions().action(QStringLiteral("run"))->isEnabled());
    QVERIFY(!window.actions().action(QStringLiteral("run"))->toolTip().isEmpty());
  }

  void every_control_has_a_name() {
    MainWindow window(ResourcePaths::locate());
    window.show();
    QVERIFY(QTest::qWaitForWindowExposed(&window));
    for (const QWidget* widget : window.findChildren<QWidget*>()) {
      const bool control = qobject_cast<const QAbstractButton*>(widget) != nullptr ||
                           qobject_cast<const QComboBox*>(widget) != nullptr ||
                           qobject_cast<const QAbstractSpinBox*>(widget) != nullptr ||
                           qobject_cast<const QLineEdit*>(widget) != nullptr ||
                           qobject_cast<const QAbstractItemView*>(widget) != nullptr;
      // Parts of other controls (the edit of a spin box, the list of a combo box) speak through their owner, and a
      // button through its text or tip.
      if (!control || widget->objectName().startsWith(QStringLiteral("qt_")) || !widget->isVisible()) continue;
      if (qobject_cast<const QAbstractButton*>(widget) != nullptr &&
          (!widget->toolTip().isEmpty() || !qobject_cast<const QAbstractButton*>(widget)->text().isEmpty()))
        continue;
      if (widget->parentWidget()->inherits("QTableView") || widget->parentWidget()->inherits("QDockWidget")) continue;
      QVERIFY2(!widget->accessibleName().isEmpty(), widget->metaObject()->className());
    }
  }

  void impossible_choices_are_disabled_with_the_reason() {
    REQUIRE_TINY_MODEL();
    MainWindow window(ResourcePaths::locate());
    open(window, tiny_model());
    window.session().set_settings(*parse_configuration("fp16"));
    ChoiceBox* double_quantization = window.configuration_panel().control("double_quantization");
    QVERIFY(!double_quantization->is_enabled(QStringLiteral("on")));
    QVERIFY(!double_quantization->why_not(QStringLiteral("on")).isEmpty());
    window.session().set_settings(*parse_configuration("nf4"));
    QVERIFY(double_quantization->is_enabled(QStringLiteral("on")));
    Q_EMIT double_quantization->chosen(QStringLiteral("on"));
    QVERIFY(window.session().settings().double_quantization);
    window.session().undo_stack().undo();
    QVERIFY(!window.session().settings().double_quantization);
  }

  void as_stored_there_is_no_data_type_to_show() {
    REQUIRE_TINY_MODEL();
    MainWindow window(ResourcePaths::locate());
    open(window, tiny_model());
    const ChoiceBox* type = window.configuration_panel().control("type");
    QCOMPARE(type->currentText(), QStringLiteral("NF4"));
    window.session().set_settings(*parse_configuration("as-stored"));
    QCOMPARE(type->currentIndex(), -1);
    QCOMPARE(type->placeholderText(), QStringLiteral("as stored"));
    window.session().set_settings(*parse_configuration("fp32"));
    QCOMPARE(type->currentText(), QStringLiteral("FP32"));
  }

  void a_device_that_cannot_be_used_says_why() {
    MainWindow window(ResourcePaths::locate());
    DeviceDescription absent;
    absent.id = "cuda";
    absent.unavailable = "No NVIDIA driver was found.";
    window.session().set_devices({window.session().devices().front(), absent});
    const auto* devices = window.configuration_panel().findChild<ChoiceBox*>(QStringLiteral("device"));
    QVERIFY(devices->is_enabled(QStringLiteral("cpu")));
    QVERIFY(!devices->is_enabled(QStringLiteral("cuda")));
    QCOMPARE(devices->why_not(QStringLiteral("cuda")), QStringLiteral("No NVIDIA driver was found."));
  }

  void too_large_for_the_memory_is_said_and_asked() {
    REQUIRE_TINY_MODEL();
    MainWindow window(ResourcePaths::locate());
    open(window, tiny_model());
    QVERIFY(window.session().resolved() != nullptr);
    const Resolved& resolved = *window.session().resolved();
    QVERIFY(too_large_sentence(resolved, resolved.forecast.total()).isEmpty());
    QVERIFY(!too_large_sentence(resolved, resolved.forecast.total() - 1).isEmpty());
    ForecastBar bar;
    bar.set_forecast(resolved.forecast, resolved.forecast.total() - 1);
    QVERIFY(bar.is_too_large());
    QVERIFY(bar.accessibleDescription().contains(QStringLiteral("too large")));
  }

  void a_plan_is_forecast_but_not_run() {
    REQUIRE_TINY_MODEL();
    MainWindow window(ResourcePaths::locate());
    open(window, tiny_model() + QStringLiteral("/config.json"));
    QVERIFY(window.session().resolved() != nullptr);
    QVERIFY(!window.actions().action(QStringLiteral("run"))->isEnabled());
    QVERIFY(window.actions().action(QStringLiteral("run"))->toolTip().contains(QStringLiteral("plan")));
    QTRY_VERIFY(window.pages()[2]->shows_chart());
  }

  void a_missing_checkpoint_is_an_error_not_a_crash() {
    MainWindow window(ResourcePaths::locate());
    QSignalSpy failed(&window, &MainWindow::open_failed);
    window.open_checkpoint(QStringLiteral("/nowhere/model.gguf"));
    QVERIFY(failed.wait(patience_ms));
  }

  void the_histogram_follows_the_settings() {
    REQUIRE_TINY_MODEL();
    MainWindow window(ResourcePaths::locate());
    open(window, tiny_model());
    Page* page = window.pages()[0];
    QTRY_VERIFY_WITH_TIMEOUT(page->sentence().contains(QStringLiteral("NF4 changes it by")), patience_ms);
    window.session().set_settings(*parse_configuration("fp32"));
    QTRY_VERIFY_WITH_TIMEOUT(page->shows_chart() && !page->sentence().contains(QStringLiteral("changes it by")),
                             patience_ms);
  }

  void a_file_in_another_layout_is_asked_as_what_it_is() {
    REQUIRE_TINY_MODEL();
    QTemporaryDir folder;
    QFile file(folder.filePath(QStringLiteral("squad.json")));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(R"({"data": [{"title": "Cats", "paragraphs": [{"context": "Cats purr.", "qas": [
        {"id": "a", "question": "Who?", "answers": [{"text": "Cats", "answer_start": 0}]}]}]}]})");
    file.close();
    MainWindow window(ResourcePaths::locate());
    open(window, tiny_model());
    TaskOptions tasks;
    tasks.dataset = file.fileName();
    tasks.layout = TaskKind::squad;
    window.session().set_tasks(tasks);
    auto* layout = window.findChild<QComboBox*>(QStringLiteral("question_layout"));
    QVERIFY(layout != nullptr);
    QCOMPARE(layout->currentText(), QStringLiteral("SQuAD"));
    QSignalSpy idle(&window.queue(), &RunQueue::became_idle);
    window.control().run_current();
    QVERIFY(idle.wait(patience_ms));
    const RunEntry& entry = window.runs().entries().front();
    QVERIFY2(entry.stage == RunEntry::Stage::finished, qPrintable(entry.message));
    QCOMPARE(QString::fromStdString(entry.result->qa->task.protocol), QStringLiteral("squad-lm-eval-3"));
    QCOMPARE(entry.result->qa->task.scorer, Scorer::max);
  }

  void divergences_are_measured_from_the_first_of_compare_all() {
    REQUIRE_TINY_MODEL();
    QTemporaryDir folder;
    QFile text(folder.filePath(QStringLiteral("text.txt")));
    QVERIFY(text.open(QIODevice::WriteOnly));
    text.write(QByteArray("Lily saw a cat. ").repeated(100));
    text.close();
    MainWindow window(ResourcePaths::locate());
    open(window, tiny_model());
    TaskOptions tasks;
    tasks.questions = false;
    tasks.divergence = true;
    tasks.text = text.fileName();
    window.session().set_tasks(tasks);
    QSignalSpy idle(&window.queue(), &RunQueue::became_idle);
    window.control().compare_all();
    QVERIFY(idle.wait(patience_ms));
    const RunEntry& base = window.runs().entries().front();
    QVERIFY2(base.stage == RunEntry::Stage::finished, qPrintable(base.message));
    QCOMPARE(base.result->kl->result.divergence.mean, 0.0);
    const RunEntry& last = window.runs().entries().back();
    QVERIFY2(last.stage == RunEntry::Stage::finished, qPrintable(last.message));
    QVERIFY(last.result->kl->result.divergence.mean > 0);
    const int row = window.runs().rowCount() - 1;
    QVERIFY(window.runs().index(row, RunsModel::divergence).data().toString().contains(QStringLiteral("±")));
    QTRY_VERIFY_WITH_TIMEOUT(window.pages()[4]->shows_chart(), patience_ms);
    QVERIFY(window.pages()[4]->sentence().contains(QStringLiteral("same top token")));
    const std::vector<RunResult> runs = window.runs().results();
    QVERIFY(export_report(folder.filePath(QStringLiteral("report")), {runs, nullptr, {}}).has_value());
    QVERIFY(QFile::exists(folder.filePath(QStringLiteral("report/divergence.png"))));
  }

  void compare_all_fills_the_table_and_the_report() {
    REQUIRE_TINY_MODEL();
    QTemporaryDir folder;
    MainWindow window(ResourcePaths::locate());
    open(window, tiny_model());
    TaskOptions tasks;
    tasks.dataset = write_questions(folder);
    window.session().set_tasks(tasks);
    QSignalSpy idle(&window.queue(), &RunQueue::became_idle);
    window.control().compare_all();
    QVERIFY(window.queue().is_busy());
    QVERIFY(idle.wait(patience_ms));
    const std::size_t wanted = window.session().compare_all().size();
    QCOMPARE(window.runs().entries().size(), wanted);
    for (const RunEntry& entry : window.runs().entries()) {
      if (entry.stage == RunEntry::Stage::refused) continue;
      QVERIFY2(entry.stage == RunEntry::Stage::finished, qPrintable(entry.message));
      QCOMPARE(entry.result->qa->answers.size(), std::size_t(2));
      QCOMPARE(entry.result->measured.weights(), entry.resolved->forecast.weights());
    }
    QTRY_VERIFY_WITH_TIMEOUT(window.runs().entries().back().pairs.f1.has_value(), patience_ms);
    for (const PairRow& row : pair_rows(window.runs().results())) {
      const auto& entries = window.runs().entries();
      const auto entry = std::find_if(entries.begin(), entries.end(), [&](const RunEntry& shown) {
        return shown.has_result() && run_name(*shown.result) == row.configuration;
      });
      QVERIFY(entry != entries.end() && entry->pairs.comparison() != nullptr);
      QCOMPARE(entry->pairs.f1->p_holm, row.p_holm);
    }
    QTRY_VERIFY(window.pages()[3]->shows_chart());

    const QString report = folder.filePath(QStringLiteral("report"));
    QTRY_VERIFY_WITH_TIMEOUT(!window.weights_page().whole_histogram().empty(), patience_ms);
    QVERIFY(window.write_report_into(report).has_value());
    for (const char* file : {"run.json", "runs.csv", "report.html"})
      QVERIFY2(QFile::exists(QDir(report).filePath(QLatin1String(file))), file);
    const QByteArray html = read_file(QDir(report).filePath(QStringLiteral("report.html")));
    const QStringList charts = QDir(report).entryList({QStringLiteral("*.png")}, QDir::Files, QDir::Name);
    QCOMPARE(charts, QStringList({"accuracy.png", "levels.png", "memory.png", "weights.png"}));
    for (const QString& chart : charts)
      QVERIFY2(html.contains("base64," + read_file(QDir(report).filePath(chart)).toBase64() + "\""), qPrintable(chart));
    for (const RunResult& run : window.runs().results())
      QVERIFY2(html.contains("<td>" + QByteArray::fromStdString(run_name(run)) + "</td>"), run_name(run).c_str());
    // The command line has the same charts drawn, from run.json alone.
    for (const QString& chart : charts) QVERIFY(QFile::remove(QDir(report).filePath(chart)));
    QVERIFY(render_report(report).has_value());
    QCOMPARE(QDir(report).entryList({QStringLiteral("*.png")}, QDir::Files, QDir::Name), charts);
    QVERIFY(!render_report(folder.path()).has_value());

    const int rows = window.runs().rowCount();
    window.open_runs(QDir(report).filePath(QStringLiteral("run.json")));
    QVERIFY(window.runs().rowCount() > rows);
  }

  void stop_keeps_the_window_alive_and_the_rows() {
    REQUIRE_TINY_MODEL();
    MainWindow window(ResourcePaths::locate());
    open(window, tiny_model());
    TaskOptions tasks;
    tasks.questions = false;
    tasks.speed = true;
    window.session().set_tasks(tasks);
    QSignalSpy idle(&window.queue(), &RunQueue::became_idle);
    window.control().compare_all();
    window.control().stop();
    QVERIFY(idle.count() > 0 || idle.wait(patience_ms));
    for (const RunEntry& entry : window.runs().entries()) QVERIFY(entry.ended());
    QVERIFY(!window.queue().is_busy());
  }

  void destroying_the_window_while_it_runs_is_safe() {
    REQUIRE_TINY_MODEL();
    for (int i = 0; i < 3; ++i) {
      MainWindow window(ResourcePaths::locate());
      open(window, tiny_model());
      TaskOptions tasks;
      tasks.questions = false;
      tasks.speed = true;
      window.session().set_tasks(tasks);
      window.control().run_current();
      QTest::qWait(i * 20);
    }
  }

  void the_layout_is_kept_and_can_be_reset() {
    QSettings().clear();
    {
      MainWindow window(ResourcePaths::locate());
      window.show();
      window.findChild<QWidget*>(QStringLiteral("glossary"))->show();
      window.close();
    }
    MainWindow window(ResourcePaths::locate());
    window.show();
    QVERIFY(window.findChild<QWidget*>(QStringLiteral("glossary"))->isVisible());
    window.actions().action(QStringLiteral("reset_layout"))->trigger();
    QVERIFY(!window.findChild<QWidget*>(QStringLiteral("glossary"))->isVisible());
  }
};

QTEST_MAIN(WindowTest)
#include "window_test.moc"
