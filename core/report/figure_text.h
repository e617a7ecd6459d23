// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "core/experiment/run_result.h"
#include "core/report/pairs.h"

/// How measured figures are written where a person reads them: report, terminal and window alike, so that one result
/// reads the same everywhere. Tables for programs (CSV, JSON) hold all digits instead.
namespace quantscope {

/// "64.18 ± 5.80": a share of 0..1 in percent with its standard error, which a single item does not have.
std::string percent_text(const MeanEstimate& share);
std::string percent_text(const ValueWithError& share);
/// "64.18", of a share of 0..1.
std::string percent_text(double share);

std::string perplexity_text(const PerplexityResult& result);  ///< "23.5812 ± 0.4130"
std::string divergence_text(const MeanEstimate& nats);        ///< "0.061002 ± 0.001130"
std::string divergence_text(double nats);                     ///< "0.061002"
std::string log_ratio_text(const MeanEstimate& ratio);        ///< "+0.00500 ± 0.01357", of ln(PPL / base PPL)
std::string rate_text(double tokens_per_second);              ///< "12.3"
std::string rate_text(const Spread& tokens_per_second);       ///< "12.3 (11.9 to 12.8)": median, least and most
std::string seconds_text(double seconds);                     ///< "0.512"
std::string seconds_text(const Spread& seconds);              ///< "0.512 (0.500 to 0.530)"
std::string mebibytes_text(std::int64_t bytes);               ///< "111.08", in units of 2^20 bytes
std::string bits_per_weight_text(double bits);                ///< "6.927"
std::string p_text(double p);                                 ///< "0.0119"

/// "+1.20 [-0.30, +2.70]": a difference of shares in percentage points with its interval.
std::string points_text(const PairedComparison& comparison);
/// The same with what it is a difference of, for either figure: "F1 +1.20 [-0.30, +2.70] points". Precondition: the
/// comparison was made.
std::string difference_text(const PairRow& pair);

}  // namespace quantscope
