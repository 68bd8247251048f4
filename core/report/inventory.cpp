// SPDX-License-Identifier: Apache-2.0
#include "report/inventory.hpp"

#include <nlohmann/json.hpp>

#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "plan/assess.hpp"
#include "plan/estimate.hpp"

namespace mxferry::report {
namespace {

Result<EstimateLine> estimate_from(const std::string& text) {
  constexpr const char* kWhere = "state: estimate";
  MXF_TRY(json, parse_json(text, kWhere));
  EstimateLine out;
  MXF_TRY(least, json_int(json, "least_ms", kWhere));
  MXF_TRY(most, json_int(json, "most_ms", kWhere));
  MXF_TRY(basis, json_string(json, "basis", kWhere));
  out.least = Millis(least);
  out.most = Millis(most);
  out.basis = std::move(basis);
  return out;
}

}  // namespace

Result<void> read_inventory(store::Db& db, Data& out) {
  std::map<std::string, std::string> boxes;
  std::string estimate;
  Instant at{};
  MXF_CHECK(db.each(
      "SELECT kind, subject, body, at FROM observation WHERE kind IN ('inventory', 'estimate') "
      "ORDER BY id",
      [&](const store::Row& row) {
        if (row.text(0) == "inventory") {
          boxes[row.text(1)] = row.text(2);
        } else {
          estimate = row.text(2);
          at = Instant(Millis(row.integer(3)));
        }
      }));
  for (auto& line : out.mailboxes) {
    const auto it = boxes.find(line.address);
    if (it == boxes.end()) continue;
    auto box = plan::inventory_from_json(it->second, "state: inventory");
    if (box)
      line.inventory = std::move(*box);
    else
      out.problems.push_back("the inventory of " + line.address +
                             " cannot be read: " + box.error().message());
  }
  if (estimate.empty()) return {};
  auto read = estimate_from(estimate);
  if (read) {
    out.estimate = std::move(*read);
    out.estimate->at = at;
  } else {
    out.problems.push_back("the estimate cannot be read: " + read.error().message());
  }
  return {};
}

std::string estimate_text(const Data& data) {
  if (!data.estimate) return "";
  const plan::Interval interval{data.estimate->least, data.estimate->most};
  return plan::print(interval) + " (" + data.estimate->basis + ")";
}

std::string inventory_html(const Data& data) {
  std::string rows;
  const auto quota = [](const QuotaState& q) {
    return q.limit ? plan::print_bytes(q.used.value_or(0)) + " of " + plan::print_bytes(*q.limit)
                   : std::string("–");
  };
  for (const auto& line : data.mailboxes) {
    if (!line.inventory) continue;
    const auto& box = *line.inventory;
    std::string notes;
    const auto note = [&](const std::string& text) {
      notes += "<div class=\"words\">" + escape_html(text) + "</div>";
    };
    for (const auto& alias : box.aliases) note("alias " + alias);
    for (const auto& folder : box.renamed) note(folder.from + " becomes " + folder.to);
    for (const auto& item : box.foreign) note("sees " + item + ", not copied");
    rows += "<tr><td><span class=\"mono\">" + escape_html(box.address) + "</span>" + notes +
            "</td><td class=\"num\">" + std::to_string(box.folders) + "</td><td class=\"num\">" +
            std::to_string(box.messages) + "</td><td class=\"num\">" +
            plan::print_bytes(box.bytes) + "</td><td class=\"num\">" +
            plan::print_bytes(box.largest) + "</td><td class=\"num\">" + quota(box.source_quota) +
            "</td></tr>";
  }
  if (rows.empty()) return "";
  return "<div class=\"card scroll\"><table><thead><tr><th>Mailbox</th><th class=\"num\">Folders"
         "</th><th class=\"num\">Messages</th><th class=\"num\">Size</th><th class=\"num\">"
         "Largest</th><th class=\"num\">Quota</th></tr></thead><tbody>" +
         rows + "</tbody></table></div>\n";
}

}  // namespace mxferry::report
