// SPDX-License-Identifier: Apache-2.0
// Answers that were given once and stay as they were, so that what is computed from them is one
// moment's truth: a solver asks the same question many times, a plan is computed long after the
// asking. Pure but for what is behind it; one thread.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "protocol/dns/lookup.hpp"

namespace mxferry::dns {

/// By name and type.
using Answers = std::map<std::pair<std::string, std::string>, Answer>;

class RememberedLookups final : public Lookups {
 public:
  /// Each question goes to `behind` once; a failure is remembered as well.
  explicit RememberedLookups(Lookups& behind) : behind_(&behind) {}
  /// Nothing is asked any more: a question that is not in `answers` fails.
  explicit RememberedLookups(Answers answers) : answers_(std::move(answers)) {}

  Answer ask(const Question& question) override;
  const Answers& answers() const { return answers_; }

 private:
  Lookups* behind_ = nullptr;
  Answers answers_;
};

}  // namespace mxferry::dns
