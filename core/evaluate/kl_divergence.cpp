// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/kl_divergence.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace quantscope {
namespace {

std::int64_t hidden_size(const Decoder& decoder) { return decoder.model().description().hidden; }

/// Calls body(chunk) for the windows asked for, with progress and stop.
template <class Body>
Result<void> for_chunks(Decoder& decoder, const WindowedText& text, const char* stage, const ProgressFn& progress,
                        const std::stop_token& stop, const Body& body) {
  const auto range = choose_chunks(std::ssize(text.ids), text.protocol, text.first_chunk, text.last_chunk);
  if (!range) return tl::unexpected(range.error());
  if (stop.stop_possible()) decoder.model().backend().set_stop_token(stop);
  for (std::int64_t chunk = range->first; chunk < range->last; ++chunk) {
    if (stop.stop_requested()) return cancelled();
    if (progress) progress({stage, chunk - range->first, range->count(), {}});
    if (auto done = body(chunk); !done) return done;
  }
  if (progress) progress({stage, range->count(), range->count(), {}});
  return {};
}

Result<TaggedBuffer> states_of_window(Decoder& decoder, const WindowedText& text, std::int64_t chunk) {
  Backend& backend = decoder.model().backend();
  const std::int64_t hidden = hidden_size(decoder);
  const auto bytes = static_cast<std::size_t>(text.protocol.scored() * hidden) * sizeof(float);
  auto states = TaggedBuffer::allocate(backend.upload_ledger(), MemoryTag::workspace, bytes);
  if (!states) return states;
  float* next = states->as<float>().data();
  std::vector<float> values;
  const auto keep = [&](std::span<const std::int32_t> rows, std::span<const std::int32_t>) -> Result<void> {
    const std::int64_t until = rows.back() + 1;  // a buffer is read from its first row
    values.resize(static_cast<std::size_t>(until * hidden));
    if (auto read = backend.read(decoder.hidden(), until, values); !read) return read;
    next = std::copy(values.begin() + rows.front() * hidden, values.end(), next);
    return {};
  };
  Decoder::Sequence sequence = decoder.new_sequence();
  auto done = decoder.append_scored(sequence, window_ids(*text.tokenizer, text.ids, text.protocol, chunk),
                                    text.protocol.first_scored, keep);
  if (!done) return tl::unexpected(done.error());
  return states;
}

/// Compares one model with the base's states.
class KlWindows {
 public:
  static Result<KlWindows> create(Decoder& decoder, const KlBase& base, const WindowedText& text) {
    auto buffer = decoder.model().backend().create_buffer(decoder.hidden().row_capacity, hidden_size(decoder));
    if (!buffer) return tl::unexpected(buffer.error());
    return KlWindows(decoder, base, text, std::move(*buffer));
  }

  Result<KlChunk> compare(std::int64_t chunk) {
    std::span<const float> states = base_->states->window(chunk);
    if (std::ssize(states) != text_->protocol.scored() * hidden_size(*decoder_))
      return fail(ErrorCode::internal, fmt::format("The base was not computed in window {} of the text.", chunk));
    std::vector<HeadPair> tokens;
    const auto compare_rows = [&](std::span<const std::int32_t> rows, std::span<const std::int32_t> targets) {
      const std::size_t hidden = static_cast<std::size_t>(hidden_size(*decoder_));
      const std::size_t first = tokens.size();
      tokens.resize(first + rows.size());
      return pair_rows(states.subspan(first * hidden, rows.size() * hidden), rows, targets,
                       std::span(tokens).subspan(first));
    };
    Decoder::Sequence sequence = decoder_->new_sequence();
    auto done = decoder_->append_scored(sequence, window_ids(*text_->tokenizer, text_->ids, text_->protocol, chunk),
                                        text_->protocol.first_scored, compare_rows);
    if (!done) return tl::unexpected(done.error());
    return summarize_kl_chunk(chunk, std::move(tokens));
  }

 private:
  KlWindows(Decoder& decoder, const KlBase& base, const WindowedText& text, std::unique_ptr<Buffer> buffer)
      : decoder_(&decoder), base_(&base), text_(&text), base_rows_(std::move(buffer)) {}

  Result<void> pair_rows(std::span<const float> states, std::span<const std::int32_t> rows,
                         std::span<const std::int32_t> targets, std::span<HeadPair> pairs) {
    Backend& backend = decoder_->model().backend();
    const std::int64_t count = std::ssize(rows);
    if (auto written = backend.write(*base_rows_, count, states); !written) return written;
    std::vector<std::int32_t> base_rows(rows.size());
    std::iota(base_rows.begin(), base_rows.end(), 0);
    return backend.head_pair({base_rows_.get(), base_rows, base_->norm, base_->head}, decoder_->head_rows(rows),
                             targets, pairs);
  }

  Decoder* decoder_;
  const KlBase* base_;
  const WindowedText* text_;
  std::unique_ptr<Buffer> base_rows_;  // [batch rows, hidden]: the base's states of the pass at hand
};

}  // namespace

Result<ScoredStates> ScoredStates::compute(Decoder& decoder, const WindowedText& text, const ProgressFn& progress,
                                           std::stop_token stop) {
  ScoredStates states;
  auto done = for_chunks(decoder, text, "KL base", progress, stop, [&](std::int64_t chunk) -> Result<void> {
    auto window = states_of_window(decoder, text, chunk);
    if (!window) return tl::unexpected(window.error());
    states.windows_.emplace(chunk, std::move(*window));
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return states;
}

std::span<const float> ScoredStates::window(std::int64_t chunk) const {
  const auto found = windows_.find(chunk);
  return found == windows_.end() ? std::span<const float>() : found->second.as<float>();
}

std::int64_t ScoredStates::bytes() const {
  std::int64_t bytes = 0;
  for (const auto& [chunk, values] : windows_) bytes += static_cast<std::int64_t>(values.size());
  return bytes;
}

Result<KlResult> evaluate_kl(Decoder& decoder, const KlBase& base, const WindowedText& text,
                             const std::function<void(const KlChunk&)>& on_chunk, const ProgressFn& progress,
                             std::stop_token stop) {
  auto windows = KlWindows::create(decoder, base, text);
  if (!windows) return tl::unexpected(windows.error());
  std::vector<KlChunk> chunks;
  auto done = for_chunks(decoder, text, "KL divergence", progress, stop, [&](std::int64_t index) -> Result<void> {
    auto chunk = windows->compare(index);
    if (!chunk) return tl::unexpected(chunk.error());
    chunks.push_back(std::move(*chunk));
    if (on_chunk) on_chunk(chunks.back());
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return summarize_kl(std::move(chunks), std::ssize(text.ids));
}

}  // namespace quantscope
