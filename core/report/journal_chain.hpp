// SPDX-License-Identifier: Apache-2.0
// The journal's hash chain: hash = SHA-256(prev_hash \n at \n step \n phase \n body), in
// hexadecimal; the first prev_hash is empty. A record that was changed, removed or put in shows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "store/db.hpp"

namespace mxferry::report {

struct JournalChain {
  std::int64_t records = 0;
  std::optional<std::int64_t> broken_at{};  // seq of the first record that does not fit
};

std::string link_hash(const std::string& prev, std::int64_t at, const std::string& step,
                      const std::string& phase, const std::string& body);
Result<JournalChain> check_journal(store::Db& db);

}  // namespace mxferry::report
