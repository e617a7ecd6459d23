// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/csv_table.h"

#include <gtest/gtest.h>

#include <cmath>

namespace quantscope {
namespace {

TEST(CsvTable, QuotesWhatNeedsItAndKeepsNumbersExact) {
  CsvTable table({"name", "value"});
  table.text("plain").number(0.1).end_row();
  table.text("a, \"b\"\nc").number(NAN).end_row();
  table.empty(2).end_row();
  EXPECT_EQ(table.str(), "name,value\nplain,0.1\n\"a, \"\"b\"\"\nc\",\n,\n");
}

}  // namespace
}  // namespace quantscope
