// SPDX-License-Identifier: Apache-2.0
#include "report/journal_chain.hpp"

#include "base/sha256.hpp"

namespace mxferry::report {

std::string link_hash(const std::string& prev, std::int64_t at, const std::string& step,
                      const std::string& phase, const std::string& body) {
  return sha256_hex(prev + "\n" + std::to_string(at) + "\n" + step + "\n" + phase + "\n" + body);
}

Result<JournalChain> check_journal(store::Db& db) {
  JournalChain out;
  std::string prev;
  MXF_CHECK(db.each("SELECT seq, at, step, phase, body, prev_hash, hash FROM journal ORDER BY seq",
                    [&](const store::Row& row) {
                      ++out.records;
                      const auto hash =
                          link_hash(prev, row.integer(1), row.text(2), row.text(3), row.text(4));
                      const bool fits = row.text(5) == prev && row.text(6) == hash;
                      if (!fits && !out.broken_at) out.broken_at = row.integer(0);
                      prev = row.text(6);
                    }));
  return out;
}

}  // namespace mxferry::report
