// SPDX-License-Identifier: GPL-3.0-or-later
#include <QAbstractItemModelTester>
#include <QSignalSpy>
#include <QTest>

#include "tests/support/reference_data.h"
#include "ui/models/runs_model.h"
#include "ui/models/table_text.h"
#include "ui/models/tensors_model.h"

using namespace quantscope;
using namespace quantscope::ui;

namespace {

RunEntry entry_named(const char* name, double f1) {
  RunEntry entry;
  entry.request.model = "model";
  entry.request.settings = *parse_configuration(name);
  entry.answers.push_back({QaScore{f1, 0}, QaScore{f1, 0}, QaScore{f1, 0}});
  return entry;
}

QStringList column_of(const QAbstractItemModel& model, int column) {
  QStringList texts;
  for (int row = 0; row < model.rowCount(); ++row) texts << model.index(row, column).data().toString();
  return texts;
}

}  // namespace

class ModelsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void runs_follow_the_rules_of_models() {
    RunsModel runs;
    QAbstractItemModelTester tester(&runs, QAbstractItemModelTester::FailureReportingMode::QtTest);
    RunsOrder order(runs);
    QAbstractItemModelTester order_tester(&order, QAbstractItemModelTester::FailureReportingMode::QtTest);
    const RunId first = runs.add(entry_named("fp16", 0.5));
    const RunId second = runs.add(entry_named("nf4", 0.4));
    runs.update(second, [](RunEntry& entry) { entry.stage = RunEntry::Stage::running; });
    order.sort(RunsModel::f1, Qt::DescendingOrder);
    runs.pin(second);
    runs.remove(first);
    QCOMPARE(runs.rowCount(), 1);
    QCOMPARE(runs.baseline()->id, second);
    runs.replace({entry_named("int8", 0.3), entry_named("fp4", 0.2), entry_named("nf4", 0.1)});
    QCOMPARE(order.rowCount(), 3);
    QVERIFY(runs.find(second) == nullptr);
    QCOMPARE(runs.baseline()->id, runs.entries().front().id);
    runs.replace({});
    QCOMPARE(order.rowCount(), 0);
    QVERIFY(runs.baseline() == nullptr);
  }

  void the_baseline_stays_on_top_in_both_directions() {
    RunsModel runs;
    RunsOrder order(runs);
    runs.add(entry_named("fp16", 0.5));
    const RunId pinned = runs.add(entry_named("nf4", 0.4));
    runs.add(entry_named("fp4", 0.3));
    runs.pin(pinned);
    order.sort(RunsModel::f1, Qt::AscendingOrder);
    QCOMPARE(column_of(order, RunsModel::f1), QStringList({"40.00", "30.00", "50.00"}));
    order.sort(RunsModel::f1, Qt::DescendingOrder);
    QCOMPARE(column_of(order, RunsModel::f1), QStringList({"40.00", "50.00", "30.00"}));
  }

  void pinning_forgets_pairs_with_the_old_baseline() {
    RunsModel runs;
    QSignalSpy pinned(&runs, &RunsModel::pinned);
    runs.add(entry_named("fp16", 0.5));
    const RunId second = runs.add(entry_named("nf4", 0.4));
    runs.update(second, [](RunEntry& entry) { entry.pairs.f1 = PairRow(); });
    runs.pin(second);
    QCOMPARE(pinned.count(), 2);
    QVERIFY(!runs.find(second)->pairs.f1.has_value());
  }

  void data_types_are_told_apart_without_colour() {
    RunsModel runs;
    runs.add(entry_named("nf4", 0.5));
    const QModelIndex cell = runs.index(0, RunsModel::configuration);
    QVERIFY(!cell.data(Qt::DecorationRole).value<QIcon>().isNull());
    QVERIFY(cell.data().toString().contains(QStringLiteral("NF4")));
  }

  void tensors_follow_the_rules_of_models() {
    const auto folder = quantscope::testing::shared_folder();
    if (folder.empty()) QSKIP("ORACLE SKIPPED: reference data not found");
    const auto checkpoint = Checkpoint::open(folder / "reference/models/stories260K");
    QVERIFY(checkpoint.has_value());
    TensorsModel tensors;
    QAbstractItemModelTester tester(&tensors, QAbstractItemModelTester::FailureReportingMode::QtTest);
    TensorsOrder order;
    order.setSourceModel(&tensors);
    QAbstractItemModelTester order_tester(&order, QAbstractItemModelTester::FailureReportingMode::QtTest);
    tensors.set_checkpoint(*checkpoint);
    order.setFilterFixedString(QStringLiteral("down_proj"));
    QVERIFY(order.rowCount() > 0 && order.rowCount() < tensors.rowCount());
    TensorPreview preview;
    preview.source.minimum = -0.5;
    tensors.set_preview(QString::fromStdString(tensors.tensor(0)->name), preview);
    QCOMPARE(tensors.index(0, TensorsModel::minimum).data(value_role).toDouble(), -0.5);
  }

  void csv_quotes_what_needs_it_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("field");
    QTest::newRow("plain") << "NF4"
                           << "NF4";
    QTest::newRow("comma") << "NF4, block 128"
                           << "\"NF4, block 128\"";
    QTest::newRow("quote") << "a\"b"
                           << "\"a\"\"b\"";
    QTest::newRow("line") << "a\nb"
                          << "\"a\nb\"";
  }
  void csv_quotes_what_needs_it() {
    QFETCH(QString, text);
    QFETCH(QString, field);
    QCOMPARE(csv_field(text), field);
  }

  void tables_export_full_numbers() {
    RunsModel runs;
    runs.add(entry_named("nf4", 1.0 / 3));
    const QString csv = table_csv(runs);
    QCOMPARE(csv.count(u'\n'), 2);
    QVERIFY2(csv.contains(QStringLiteral("33.3333333333333")), qPrintable(csv));
    QVERIFY(table_clipboard(runs, {}).startsWith(QStringLiteral("Configuration\t")));
  }
};

QTEST_MAIN(ModelsTest)
#include "models_test.moc"
