// SPDX-License-Identifier: Apache-2.0
// Finding: something that an operator should know or must mend: an id, a subject, one sentence why,
// one sentence what to do. Assertion: what a gate says at one moment; unknown never passes. Plain
// values, any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace mxferry {

enum class Severity { info, warning, block };
std::string to_string(Severity severity);

struct Finding {
  std::string id;       // MX-01, SPF-02, MB-01, …: docs/operate/findings.md
  std::string subject;  // domain, zone, mailbox
  Severity severity = Severity::info;
  std::string text;
  std::string remedy{};
  std::string accepted{};  // the plan's reason for accepting it, or empty
};

struct Assertion {
  enum class Verdict { pass, not_before, fail, unknown };
  Verdict verdict = Verdict::unknown;
  std::string why{};
  std::string remedy{};
  Instant not_before{};

  static Assertion pass(std::string why = "") { return {Verdict::pass, std::move(why), "", {}}; }
  static Assertion wait_until(Instant t, std::string why) {
    return {Verdict::not_before, std::move(why), "", t};
  }
  static Assertion fail(std::string why, std::string remedy) {
    return {Verdict::fail, std::move(why), std::move(remedy), {}};
  }
  static Assertion unknown(std::string why) { return {Verdict::unknown, std::move(why), "", {}}; }
  bool passed() const { return verdict == Verdict::pass; }
};
std::string to_string(Assertion::Verdict verdict);

}  // namespace mxferry
