// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <vector>

namespace quantscope::ui {

struct GlossaryTerm {
  QString term, brief, text;
  QString control;  ///< the setting it explains, by the field names of `choices`; may be empty
};

/// Terms of resources/glossary.json in the file's order; empty when it is missing or unreadable.
std::vector<GlossaryTerm> read_glossary(const QString& path);

}  // namespace quantscope::ui
