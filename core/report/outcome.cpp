// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "report/data.hpp"

namespace mxferry::report {

std::string to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::not_started:
      return "not_started";
    case Outcome::running:
      return "running";
    case Outcome::paused:
      return "paused";
    case Outcome::waiting:
      return "waiting";
    case Outcome::waiting_for_person:
      return "waiting_for_person";
    case Outcome::held:
      return "held";
    case Outcome::failed:
      return "failed";
    case Outcome::rolling_back:
      return "rolling_back";
    case Outcome::rolled_back:
      return "rolled_back";
    case Outcome::done_with_findings:
      return "done_with_findings";
    case Outcome::done:
      return "done";
  }
  return "running";
}

std::string sentence(Outcome outcome) {
  switch (outcome) {
    case Outcome::not_started:
      return "Nothing has run yet.";
    case Outcome::running:
      return "The migration is under way.";
    case Outcome::paused:
      return "The migration is paused; `mxferry resume` goes on.";
    case Outcome::waiting:
      return "The migration waits for a time; the same command goes on.";
    case Outcome::waiting_for_person:
      return "The migration waits for a person.";
    case Outcome::held:
      return "A gate holds the migration: what it asks for must be mended first.";
    case Outcome::failed:
      return "A step failed; the same command goes on once its cause is mended.";
    case Outcome::rolling_back:
      return "The migration is being rolled back.";
    case Outcome::rolled_back:
      return "The migration was rolled back: mail goes to the old provider again.";
    case Outcome::done_with_findings:
      return "The migration is done, with findings that somebody should look at.";
    case Outcome::done:
      return "The migration is done and verified.";
  }
  return "";
}

std::int64_t Data::open_findings() const {
  return std::count_if(findings.begin(), findings.end(), [](const FindingLine& line) {
    return line.finding.severity != Severity::info && line.finding.accepted.empty();
  });
}

}  // namespace mxferry::report
