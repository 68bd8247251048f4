// SPDX-License-Identifier: Apache-2.0
// What the mail policies (SPF, DMARC) need of DNS: one question, one answer that is either data,
// certain absence or a failure. The policies know no socket; who implements Lookups decides which
// server is asked and how long. One thread at a time.
#pragma once

#include <string>
#include <vector>

#include "protocol/dns/message.hpp"

namespace mxferry::dns {

struct Answer {
  enum class Kind {
    found,    // `rdata` holds at least one record of the type asked for
    nothing,  // the name may exist, the type does not: RCODE 0 without such a record
    no_name,  // RCODE 3
    failed,   // time-out, any other RCODE, a broken answer: nothing is known; `why` says what
  };
  Kind kind = Kind::failed;
  std::vector<std::string> rdata{};  // canonical, in the order of the answer
  std::string why{};
  bool authentic = false;  // the resolver validated it (AD)
};

/// A canonical name as people write it: without the final dot.
inline std::string shown_name(std::string name) {
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  return name;
}

class Lookups {
 public:
  Lookups() = default;
  Lookups(const Lookups&) = delete;
  Lookups& operator=(const Lookups&) = delete;
  virtual ~Lookups() = default;
  /// `question.name` is canonical. Aliases are followed: the records are those at their end.
  virtual Answer ask(const Question& question) = 0;
};

}  // namespace mxferry::dns
