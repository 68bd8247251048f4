// SPDX-License-Identifier: Apache-2.0
#include "app/findings.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/escape.hpp"

namespace mxferry::app {

Json to_json(const std::vector<Finding>& findings) {
  Json out = Json::array();
  for (const auto& f : findings)
    out.push_back({{"id", f.id},
                   {"subject", escape_line(f.subject)},
                   {"severity", to_string(f.severity)},
                   {"text", escape_line(f.text)},
                   {"remedy", escape_line(f.remedy)},
                   {"accepted", escape_line(f.accepted)}});
  return out;
}

bool has_blocks(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& f) {
    return f.severity == Severity::block && f.accepted.empty();
  });
}

bool has_warnings(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& f) {
    return f.severity != Severity::info && f.accepted.empty();
  });
}

Exit exit_for(const std::vector<Finding>& findings) {
  if (has_blocks(findings)) return Exit::refused;
  return has_warnings(findings) ? Exit::findings : Exit::done;
}

}  // namespace mxferry::app
