// SPDX-License-Identifier: Apache-2.0
// ScriptedLookups: DNS from lines "NAME TYPE DATA", for tests of mail policies. A name below which
// something stands exists; TYPE FAIL makes every question for the name fail. It keeps what it was
// asked.
#pragma once

#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "protocol/dns/lookup.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::test {

class ScriptedLookups : public dns::Lookups {
 public:
  explicit ScriptedLookups(const std::string& zone) { add(zone); }

  /// Throws std::invalid_argument where a line is wrong. TXT data stands in quotes.
  void add(const std::string& zone) {
    std::istringstream lines(zone);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string name;
      std::string type;
      if (!(words >> name >> type)) continue;
      std::string data;
      std::getline(words >> std::ws, data);
      const auto owner = dns::canonical_name(name);
      if (!owner) throw std::invalid_argument(line);
      for (std::string up = *owner; up != "."; up = dns::parent_of(up)) names_.insert(up);
      if (type == "FAIL") {
        failing_.insert(*owner);
        continue;
      }
      const auto rdata = dns::canonical_rdata(type, data);
      if (!rdata) throw std::invalid_argument(line);
      records_[{*owner, type}].push_back(*rdata);
    }
  }

  dns::Answer ask(const dns::Question& question) override {
    asked.push_back(question.name + " " + question.type);
    dns::Answer out;
    if (failing_.contains(question.name)) {
      out.why = "SERVFAIL";
      return out;
    }
    const auto alias = records_.find({question.name, "CNAME"});
    if (alias != records_.end() && question.type != "CNAME") {
      dns::Question next = question;
      next.name = alias->second.front();
      out = ask(next);
      asked.pop_back();
      return out;
    }
    const auto found = records_.find({question.name, question.type});
    if (found != records_.end()) {
      out.kind = dns::Answer::Kind::found;
      out.rdata = found->second;
    } else {
      out.kind =
          names_.contains(question.name) ? dns::Answer::Kind::nothing : dns::Answer::Kind::no_name;
    }
    return out;
  }

  std::vector<std::string> asked{};

 private:
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> records_;
  std::set<std::string> names_, failing_;
};

}  // namespace mxferry::test
