// SPDX-License-Identifier: Apache-2.0
// mailboxes.csv: one line a mailbox (RFC 4180, CRLF). Empty cell: not known.
#include "base/escape.hpp"
#include "report/report.hpp"

namespace mxferry::report {
namespace {

std::string number(const std::optional<std::int64_t>& n) { return n ? std::to_string(*n) : ""; }
std::string time(const std::optional<Instant>& t) { return t ? format_instant(*t) : ""; }

}  // namespace

std::string to_csv(const Data& data) {
  std::string out =
      "address,state,source_messages,source_bytes,destination_messages,destination_bytes,copied,"
      "stragglers,checked,equal,verify_findings,refused,last_delta,verified,words,remedy\r\n";
  for (const auto& box : data.mailboxes) {
    const auto count = [&](std::int64_t VerifyCounts::*field) {
      return box.verify ? std::to_string((*box.verify).*field) : std::string();
    };
    const std::string cells[] = {escape_csv(box.address),
                                 escape_csv(box.state),
                                 number(box.source.messages),
                                 number(box.source.bytes),
                                 number(box.destination.messages),
                                 number(box.destination.bytes),
                                 std::to_string(box.copied),
                                 std::to_string(box.stragglers),
                                 count(&VerifyCounts::checked),
                                 count(&VerifyCounts::equal),
                                 count(&VerifyCounts::findings),
                                 count(&VerifyCounts::refused),
                                 time(box.delta_at),
                                 time(box.verified_at),
                                 escape_csv(box.words),
                                 escape_csv(box.remedy)};
    bool first = true;
    for (const auto& cell : cells) {
      if (!first) out += ',';
      first = false;
      out += cell;
    }
    out += "\r\n";
  }
  return out;
}

}  // namespace mxferry::report
