// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/remembered_lookups.hpp"

namespace mxferry::dns {

Answer RememberedLookups::ask(const Question& question) {
  const std::pair key(question.name, question.type);
  const auto known = answers_.find(key);
  if (known != answers_.end()) return known->second;
  if (behind_ != nullptr) return answers_.emplace(key, behind_->ask(question)).first->second;
  Answer unknown;
  unknown.why = "it was not looked up";
  return unknown;
}

}  // namespace mxferry::dns
