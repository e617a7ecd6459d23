// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/item_rows.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/workspace/kl_rows.h"
#include "core/workspace/result_key.h"
#include "core/workspace/text_list.h"

namespace quantscope {
namespace {

constexpr const char* answer_columns =
    "story_index, question_index, story, source, turn, prediction, reference_answers, f1_lm_eval, em_lm_eval, "
    "f1_official, em_official, f1_max, em_max, prompt_tokens, computed_tokens, generated_tokens, cut_left, stop, "
    "smallest_margin";
constexpr const char* chunk_columns = "chunk_index, nll_sum, nll_square_sum, scored_tokens";

Result<void> write_evaluation(Database& database, std::int64_t run, const RunResult& result, const Task& task,
                              const std::string& data_name, const std::string& data_hash, const std::string& notes,
                              std::int64_t text_tokens, std::int64_t asked, const std::string& base = {}) {
  const std::string key = evaluation_key(result, task, data_hash);
  return database.run(
      "INSERT OR IGNORE INTO evaluation (run_id, task, key, protocol, scorer, data_name, data_hash, notes, "
      "text_tokens, asked_count, base) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
      std::array<SqlValue, 11>{run, task_name(task.kind), key, task.protocol, scorer_name(task.scorer), data_name,
                               data_hash, notes, text_tokens, asked, base});
}

Result<std::int64_t> find_evaluation(const Database& database, std::int64_t run, TaskKind kind) {
  const auto found = database.integer("SELECT id FROM evaluation WHERE run_id = ?1 AND task = ?2",
                                      std::array<SqlValue, 2>{run, task_name(kind)});
  if (!found) return tl::unexpected(found.error());
  if (*found) return **found;
  return fail(ErrorCode::corrupt_file,
              database.path().string() + " lost the run that is going on; another process deleted it.",
              database.path().string());
}

std::string copy_statement(const char* table, const char* columns, const char* condition) {
  return std::string("INSERT OR IGNORE INTO ") + table + " (evaluation_id, " + columns + ") SELECT ?1, " + columns +
         " FROM " + table + " JOIN evaluation ON evaluation.id = evaluation_id WHERE evaluation.key = ?2 AND " +
         condition;
}

Result<void> take_over_answers(Database& database, std::int64_t evaluation, const std::string& key,
                               std::span<const QaItem> items) {
  const std::string copy = copy_statement("answer", answer_columns, "story_index = ?3 AND question_index = ?4");
  for (const QaItem& item : items) {
    auto copied = database.run(copy, std::array<SqlValue, 4>{evaluation, key, static_cast<std::int64_t>(item.story),
                                                             static_cast<std::int64_t>(item.question)});
    if (!copied) return copied;
  }
  return {};
}

Result<void> take_over_windows(Database& database, std::int64_t run, const Task& task, const std::string& key,
                               const char* table, const char* columns) {
  const auto evaluation = find_evaluation(database, run, task.kind);
  if (!evaluation) return tl::unexpected(evaluation.error());
  const std::int64_t last = task.last_chunk == 0 ? std::numeric_limits<std::int64_t>::max() : task.last_chunk;
  return database.run(copy_statement(table, columns, "chunk_index >= ?3 AND chunk_index < ?4"),
                      std::array<SqlValue, 4>{*evaluation, key, task.first_chunk, last});
}

QaAnswer answer_of(Row& row) {
  QaAnswer answer;
  answer.item.story = static_cast<std::size_t>(row.count());
  answer.item.question = static_cast<std::size_t>(row.count());
  answer.story_id = row.text();
  answer.source = row.text();
  answer.turn = static_cast<int>(row.count());
  answer.prediction = row.text();
  answer.references = list_of_text(row.text());
  for (QaScore& score : answer.scores) {
    score.f1 = row.number();
    score.em = row.number();
  }
  answer.prompt_tokens = row.count();
  answer.computed_tokens = row.count();
  answer.generated_tokens = row.count();
  answer.cut_left = row.integer() != 0;
  answer.stop = row.text();
  answer.smallest_margin = static_cast<float>(row.number());
  return answer;
}

Result<std::vector<QaAnswer>> read_answers(const Database& database, std::int64_t evaluation) {
  std::vector<QaAnswer> answers;
  const auto read =
      database.each(std::string("SELECT ") + answer_columns +
                        " FROM answer WHERE evaluation_id = ?1 ORDER BY story_index, question_index",
                    std::array<SqlValue, 1>{evaluation}, [&](Row& row) { answers.push_back(answer_of(row)); });
  if (!read) return tl::unexpected(read.error());
  return answers;
}

Result<std::vector<PerplexityChunk>> read_chunks(const Database& database, std::int64_t evaluation) {
  std::vector<PerplexityChunk> chunks;
  const auto read = database.each(
      std::string("SELECT ") + chunk_columns + " FROM chunk WHERE evaluation_id = ?1 ORDER BY chunk_index",
      std::array<SqlValue, 1>{evaluation}, [&](Row& row) {
        PerplexityChunk chunk;
        chunk.index = row.count();
        chunk.nll_sum = row.number();
        chunk.nll_square_sum = row.number();
        chunk.scored = row.count();
        chunks.push_back(chunk);
      });
  if (!read) return tl::unexpected(read.error());
  return chunks;
}

/// A row of the table evaluation.
struct Evaluation {
  std::int64_t id = 0;
  std::string protocol, data_name, data_hash, notes;
  std::int64_t text_tokens = 0;
  double seconds = 0;
  std::string base;
  double base_seconds = 0;
  std::int64_t asked = 0;
};

Result<std::optional<Evaluation>> read_evaluation(const Database& database, std::int64_t run, TaskKind kind) {
  std::optional<Evaluation> found;
  const auto read = database.each(
      "SELECT id, protocol, data_name, data_hash, notes, text_tokens, seconds, base, base_seconds, asked_count FROM "
      "evaluation "
      "WHERE run_id = ?1 AND task = ?2",
      std::array<SqlValue, 2>{run, task_name(kind)}, [&](Row& row) {
        Evaluation& evaluation = found.emplace();
        evaluation.id = row.integer();
        evaluation.protocol = row.text();
        evaluation.data_name = row.text();
        evaluation.data_hash = row.text();
        evaluation.notes = row.text();
        evaluation.text_tokens = row.count();
        evaluation.seconds = row.number();
        evaluation.base = row.text();
        evaluation.base_seconds = row.number();
        evaluation.asked = row.count();
      });
  if (!read) return tl::unexpected(read.error());
  return found;
}

Task with_protocol(Task task, const std::string& protocol) {
  task.protocol = protocol;
  return task;
}

Result<void> read_qa(const Database& database, const Evaluation& evaluation, const Task& task, RunResult& result) {
  auto answers = read_answers(database, evaluation.id);
  if (!answers) return tl::unexpected(answers.error());
  result.qa = QaOutcome{with_protocol(task, evaluation.protocol),
                        evaluation.data_name,
                        evaluation.data_hash,
                        list_of_text(evaluation.notes),
                        std::move(*answers),
                        evaluation.seconds,
                        evaluation.asked};
  return {};
}

Result<void> read_perplexity(const Database& database, const Evaluation& evaluation, const Task& task,
                             RunResult& result) {
  auto chunks = read_chunks(database, evaluation.id);
  if (!chunks) return tl::unexpected(chunks.error());
  result.perplexity = PerplexityOutcome{with_protocol(task, evaluation.protocol),
                                        evaluation.data_name,
                                        evaluation.data_hash,
                                        summarize_perplexity(std::move(*chunks), evaluation.text_tokens),
                                        evaluation.seconds,
                                        evaluation.asked};
  return {};
}

Result<void> read_kl(const Database& database, const Evaluation& evaluation, const Task& task, RunResult& result) {
  auto chunks = read_kl_chunks(database, evaluation.id);
  if (!chunks) return tl::unexpected(chunks.error());
  result.kl = KlOutcome{with_protocol(task, evaluation.protocol),
                        evaluation.data_name,
                        evaluation.data_hash,
                        evaluation.base,
                        summarize_kl(std::move(*chunks), evaluation.text_tokens),
                        evaluation.seconds,
                        evaluation.base_seconds,
                        evaluation.asked};
  return {};
}

Result<void> write_spread(Database& database, std::int64_t run, std::string_view figure, const Spread& spread) {
  return database.run(
      "INSERT OR REPLACE INTO speed (run_id, figure, median, minimum, maximum) VALUES (?1, ?2, ?3, ?4, ?5)",
      std::array<SqlValue, 5>{run, figure, spread.median, spread.minimum, spread.maximum});
}

constexpr std::array<std::pair<std::string_view, Spread SpeedResult::*>, 3> speed_figures = {{
    {"prompt_tokens_per_second", &SpeedResult::prompt_tokens_per_second},
    {"generation_tokens_per_second", &SpeedResult::generation_tokens_per_second},
    {"time_to_first_token_seconds", &SpeedResult::time_to_first_token},
}};

/// Measured once: stored with equal median, minimum and maximum.
constexpr std::array<std::pair<std::string_view, double SpeedResult::*>, 3> single_figures = {{
    {"load_seconds", &SpeedResult::load_seconds},
    {"quantize_seconds", &SpeedResult::quantize_seconds},
    {"memory_bandwidth_bytes_per_second", &SpeedResult::memory_bandwidth},
}};
constexpr std::string_view bytes_per_token_name = "bytes_per_token";

/// 0 for what is no number of bytes: the column may hold any number, or none.
std::int64_t bytes_of(double value) { return value >= 0 && value < 0x1p63 ? static_cast<std::int64_t>(value) : 0; }

void take_single_figure(SpeedResult& speed, const std::string& figure, double value) {
  if (figure == bytes_per_token_name) speed.bytes_per_token = bytes_of(value);
  for (const auto& [name, member] : single_figures)
    if (name == figure) speed.*member = value;
}

Result<void> read_speed(const Database& database, std::int64_t run, const Task& task, RunResult& result) {
  SpeedResult speed;
  speed.options = task.speed;
  std::size_t found = 0;
  auto read = database.each("SELECT figure, median, minimum, maximum FROM speed WHERE run_id = ?1",
                            std::array<SqlValue, 1>{run}, [&](Row& row) {
                              const std::string figure = row.text();
                              const double median = row.number(), minimum = row.number();
                              const Spread spread{median, minimum, row.number()};
                              take_single_figure(speed, figure, median);
                              for (const auto& [name, member] : speed_figures) {
                                if (name != figure) continue;
                                speed.*member = spread;
                                ++found;
                              }
                            });
  if (!read) return read;
  if (found == speed_figures.size()) result.speed = speed;
  return {};
}

Result<void> read_outcome(const Database& database, std::int64_t run, const Task& task, RunResult& result) {
  if (task.kind == TaskKind::speed) return read_speed(database, run, task, result);
  auto evaluation = read_evaluation(database, run, task.kind);
  if (!evaluation) return tl::unexpected(evaluation.error());
  if (!*evaluation) return {};
  if (is_question_task(task.kind)) return read_qa(database, **evaluation, task, result);
  if (task.kind == TaskKind::perplexity) return read_perplexity(database, **evaluation, task, result);
  if (task.kind == TaskKind::kl) return read_kl(database, **evaluation, task, result);
  return {};
}

}  // namespace

Result<void> write_evaluations(Database& database, std::int64_t run, const RunResult& result) {
  Result<void> done;
  if (const auto& qa = result.qa)
    done = write_evaluation(database, run, result, qa->task, qa->dataset_name, qa->dataset_hash,
                            text_of_list(qa->notes), 0, qa->asked);
  if (!done) return done;
  if (const auto& text = result.perplexity)
    done = write_evaluation(database, run, result, text->task, text->text_name, text->text_hash, text_of_list({}),
                            text->result.tokens, text->asked);
  if (!done) return done;
  if (const auto& kl = result.kl)
    done = write_evaluation(database, run, result, kl->task, kl->text_name, kl->text_hash, text_of_list({}),
                            kl->result.tokens, kl->asked, kl->base);
  return done;
}

Result<void> take_over_items(Database& database, std::int64_t run, const RunResult& planned,
                             std::span<const QaItem> items) {
  Result<void> taken;
  if (const auto& qa = planned.qa) {
    const auto evaluation = find_evaluation(database, run, qa->task.kind);
    if (!evaluation) return tl::unexpected(evaluation.error());
    taken = take_over_answers(database, *evaluation, evaluation_key(planned, qa->task, qa->dataset_hash), items);
  }
  if (!taken) return taken;
  if (const auto& text = planned.perplexity)
    taken = take_over_windows(database, run, text->task, evaluation_key(planned, text->task, text->text_hash), "chunk",
                              chunk_columns);
  if (!taken) return taken;
  if (const auto& kl = planned.kl)
    taken = take_over_windows(database, run, kl->task, evaluation_key(planned, kl->task, kl->text_hash), "kl_chunk",
                              kl_chunk_columns);
  return taken;
}

Result<std::int64_t> note_seconds(Database& database, std::int64_t run, TaskKind kind, double seconds) {
  auto evaluation = find_evaluation(database, run, kind);
  if (!evaluation) return evaluation;
  const auto noted =
      database.run("UPDATE evaluation SET seconds = ?2 WHERE id = ?1", std::array<SqlValue, 2>{*evaluation, seconds});
  if (!noted) return tl::unexpected(noted.error());
  return evaluation;
}

Result<void> write_answer(Database& database, std::int64_t evaluation, const QaAnswer& answer) {
  const std::string references = text_of_list(answer.references);
  const std::array<SqlValue, 20> values = {evaluation,
                                           static_cast<std::int64_t>(answer.item.story),
                                           static_cast<std::int64_t>(answer.item.question),
                                           answer.story_id,
                                           answer.source,
                                           std::int64_t{answer.turn},
                                           answer.prediction,
                                           references,
                                           answer.scores[0].f1,
                                           answer.scores[0].em,
                                           answer.scores[1].f1,
                                           answer.scores[1].em,
                                           answer.scores[2].f1,
                                           answer.scores[2].em,
                                           answer.prompt_tokens,
                                           answer.computed_tokens,
                                           answer.generated_tokens,
                                           std::int64_t{answer.cut_left},
                                           answer.stop,
                                           static_cast<double>(answer.smallest_margin)};
  return database.run(std::string("INSERT OR IGNORE INTO answer (evaluation_id, ") + answer_columns +
                          ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
                          "?19, ?20)",
                      values);
}

Result<void> write_chunk(Database& database, std::int64_t evaluation, const PerplexityChunk& chunk) {
  return database.run(
      std::string("INSERT OR IGNORE INTO chunk (evaluation_id, ") + chunk_columns + ") VALUES (?1, ?2, ?3, ?4, ?5)",
      std::array<SqlValue, 5>{evaluation, chunk.index, chunk.nll_sum, chunk.nll_square_sum, chunk.scored});
}

Result<void> write_speed(Database& database, std::int64_t run, const SpeedResult& speed) {
  for (const auto& [name, member] : speed_figures)
    if (auto written = write_spread(database, run, name, speed.*member); !written) return written;
  const auto write_single = [&](std::string_view name, double value) {
    return write_spread(database, run, name, {value, value, value});
  };
  for (const auto& [name, member] : single_figures)
    if (auto written = write_single(name, speed.*member); !written) return written;
  return write_single(bytes_per_token_name, static_cast<double>(speed.bytes_per_token));
}

Result<void> read_outcomes(const Database& database, std::int64_t run, RunResult& result) {
  for (const Task& task : result.request.tasks)
    if (auto read = read_outcome(database, run, task, result); !read) return read;
  return {};
}

}  // namespace quantscope
