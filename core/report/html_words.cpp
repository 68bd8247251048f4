// SPDX-License-Identifier: Apache-2.0
#include "report/html_words.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/escape.hpp"
#include "base/json_reader.hpp"

namespace mxferry::report {

std::string t(const std::string& bytes) { return escape_html(bytes); }

// 1 234 567 with thin spaces, which do not break.
std::string grouped(std::int64_t n) {
  const std::string digits = std::to_string(n < 0 ? -n : n);
  std::string out = n < 0 ? "-" : "";
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += "\u202f";
    out += digits[i];
  }
  return out;
}

std::string count(const std::optional<std::int64_t>& n) { return n ? grouped(*n) : "–"; }

std::string size(const std::optional<std::int64_t>& bytes) {
  if (!bytes) return "–";
  static const char* const kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(*bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit < 4) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}

// 2026-11-24 10:17:30, in UTC: the page says so once.
std::string clock_text(Instant at) {
  auto text = format_instant(at);
  text[10] = ' ';
  return text.substr(0, 19);
}
std::string when(const std::optional<Instant>& at) { return at ? clock_text(*at) : "–"; }

std::string plural(std::int64_t n, const std::string& one, const std::string& many) {
  return grouped(n) + " " + (n == 1 ? one : many);
}

std::string badge(const std::string& text, const std::string& kind) {
  return "<span class=\"badge " + kind + "\">" + t(text) + "</span>";
}

std::string kind_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::done:
      return "good";
    case Outcome::failed:
    case Outcome::held:
      return "bad";
    case Outcome::done_with_findings:
    case Outcome::waiting_for_person:
    case Outcome::rolled_back:
    case Outcome::rolling_back:
    case Outcome::paused:
      return "warn";
    default:
      return "info";
  }
}

std::string kind_of(StepStatus status) {
  switch (status) {
    case StepStatus::done:
      return "good";
    case StepStatus::failed:
      return "bad";
    case StepStatus::parked:
    case StepStatus::undone:
    case StepStatus::waived:
      return "warn";
    case StepStatus::pending:
      return "quiet";
    default:
      return "info";
  }
}

std::string mailbox_kind(const std::string& state) {
  if (state == "verified") return "good";
  if (state == "parked") return "bad";
  return state == "pending" ? "quiet" : "info";
}

std::string words_of(const std::string& outcome) {
  std::string out = outcome;
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

// "waited 38 min · servers 2": the flat part of a journal body.
std::string facts_of(const std::string& proof) {
  if (proof.empty()) return "";
  const auto body = parse_json(proof, "journal");
  if (!body || !body->is_object()) return "";
  std::string out;
  for (const auto& [key, value] : body->items()) {
    std::string name = words_of(key);
    std::string shown;
    if (key.ends_with("_ms") && value.is_number_integer()) {
      name.resize(name.size() - 3);
      shown = format_duration(Millis(value.get<std::int64_t>()));
    } else if (value.is_string()) {
      shown = value.get<std::string>();
    } else if (value.is_primitive()) {
      shown = canonical_json(value);
    } else {
      continue;
    }
    out += (out.empty() ? "" : " · ") + name + " " + shown;
  }
  return out;
}

}  // namespace mxferry::report
