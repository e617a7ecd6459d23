// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>
#include <limits>

#include "ui/models/cli_command.h"
#include "ui/models/format.h"
#include "ui/models/job_clock.h"

using namespace quantscope;
using namespace quantscope::ui;

class FormatTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void durations_data() {
    QTest::addColumn<double>("seconds");
    QTest::addColumn<QString>("text");
    QTest::newRow("seconds") << 4.6 << "5 s";
    QTest::newRow("minutes") << 130.0 << "2 min 10 s";
    QTest::newRow("padded") << 3600.0 + 300 << "1 h 05 min";
    QTest::newRow("unknown") << -1.0 << "–";
    QTest::newRow("endless") << std::numeric_limits<double>::infinity() << "–";
  }
  void durations() {
    QFETCH(double, seconds);
    QFETCH(QString, text);
    QCOMPARE(format_duration(seconds), text);
  }

  void numbers() {
    QCOMPARE(format_mib(1024 * 1024 * 3 / 2), QStringLiteral("1.50"));
    QCOMPARE(format_count(134515008), QStringLiteral("134,515,008"));
    QCOMPARE(format_percent({0.4123, 0.031, 50}), QStringLiteral("41.23 ± 3.10"));
    QCOMPARE(format_percent({}), QStringLiteral("–"));
    QCOMPARE(format_percent({0.5, 0, 1}), QStringLiteral("50.00"));
    QCOMPARE(format_rate(12.34), QStringLiteral("12.3/s"));
    QCOMPARE(format_rate(0.25), QStringLiteral("4.0 s each"));
  }

  void an_unresolved_difference_is_never_called_better() {
    PairRow row;
    PairedComparison& pair = row.comparison.emplace();
    pair.n = 20;
    pair.clusters = 20;
    pair.difference = 0.05;
    pair.low = -0.02;
    pair.high = 0.12;
    QVERIFY(format_pair(row).contains(QStringLiteral("not resolved at n = 20")));
    QVERIFY(!format_pair(row).contains(QStringLiteral("p =")));
    pair.low = 0.01;
    pair.p = 0.012;
    row.p_holm = 0.036;
    QCOMPARE(format_pair(row), QStringLiteral("+5.00 [+1.00, +12.00], Holm p = 0.0360"));
    row.p_holm = 0.084;
    QCOMPARE(format_pair(row), QStringLiteral("+5.00 [+1.00, +12.00], Holm p = 0.0840, not resolved"));
  }

  void a_difference_of_an_unfinished_run_says_of_how_many() {
    PairRow row;
    PairedComparison& pair = row.comparison.emplace();
    pair.n = 20;
    pair.asked = 297;
    pair.clusters = 20;
    pair.low = -0.02;
    pair.high = 0.12;
    QVERIFY(format_pair(row).endsWith(QStringLiteral("not resolved at n = 20 of 297")));
    pair.low = 0.01;
    row.p_holm = 0.01;
    QVERIFY(format_pair(row).endsWith(QStringLiteral("at n = 20 of 297 so far")));
  }

  void rate_and_time_left() {
    const JobStatus status = JobClock::estimate({"CoQA", 30, 50, ""}, 10, 4.0);
    QCOMPARE(status.rate, 5.0);
    QCOMPARE(status.seconds_left, 4.0);
    QCOMPARE(JobClock::estimate({"CoQA", 11, 50, ""}, 10, 0.01).rate, 0.0);
    QCOMPARE(status_text({}), QStringLiteral("Ready"));
  }

  void a_run_becomes_a_command_that_a_shell_reads_back() {
    RunRequest request;
    request.model = "/models/it's here";
    request.settings = *parse_configuration("nf4-dq:block=128");
    Task task;
    task.data = "sample";
    task.sample = *parse_sample("first:10");
    request.tasks = {task};
    const QString command = cli_command(request);
    QVERIFY2(command.startsWith(QStringLiteral("quantscope-cli evaluate '/models/it'\\''s here' 'nf4-dq:block=128'")),
             qPrintable(command));
    QVERIFY(command.contains(
        QStringLiteral("--task coqa --data 'sample' --items last --sample first:10 --scorer lm-eval")));
  }

  void a_command_has_all_that_decides_the_figures() {
    RunRequest request;
    request.model = "default";
    request.settings = *parse_configuration("nf4");
    Task divergence;
    divergence.kind = TaskKind::kl;
    divergence.data = "text.txt";
    divergence.protocol = "ppl-gptq-2048";
    divergence.base = *parse_configuration("fp16");
    divergence.last_chunk = 3;
    Task speed;
    speed.kind = TaskKind::speed;
    speed.speed = {128, 32, 3};
    request.tasks = {divergence, speed};
    const QStringList lines = cli_command(request).split(u'\n');
    QCOMPARE(lines.size(), 2);
    QCOMPARE(lines[0], QStringLiteral("quantscope-cli evaluate 'default' 'nf4' --task kl --data 'text.txt' --protocol "
                                      "ppl-gptq-2048 --base 'fp16' --chunks 0:3"));
    QVERIFY2(
        lines[1].endsWith(QStringLiteral("--task speed --prompt-tokens 128 --generated-tokens 32 --repetitions 3")),
        qPrintable(lines[1]));
  }
};

QTEST_MAIN(FormatTest)
#include "format_test.moc"
