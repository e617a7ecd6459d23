// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/evaluate/dataset.h"
#include "core/evaluate/qa_prompt.h"

namespace quantscope::fuzz {

/// Any bytes are either a dataset whose every prompt can be written, or a sentence; anything else traps.
inline void ask_dataset(const Result<QaDataset>& dataset) {
  if (!dataset) {
    if (dataset.error().message.empty()) __builtin_trap();
    return;
  }
  const auto items = choose_items(*dataset, Items::last, Sample{Sample::Kind::random, 2, 1});
  if (!items) __builtin_trap();
  for (const QaItem& item : *items) {
    const QaStory& story = dataset->stories.at(item.story);
    if (story.questions.at(item.question).references.empty()) __builtin_trap();
    if (qa_prompt(*dataset, item).size() < story.text.size()) __builtin_trap();
  }
}

}  // namespace quantscope::fuzz
