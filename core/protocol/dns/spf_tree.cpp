// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/spf_tree.hpp"

#include <algorithm>

#include "base/escape.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf_check.hpp"

namespace mxferry::dns {
namespace {

// A tree that is larger helps nobody: receivers stop at ten lookups.
constexpr int kMostRecords = 40;

class Walk {
 public:
  explicit Walk(Lookups& lookups) : lookups_(lookups) {}

  // The branches of a record at `domain`, and what passes by them.
  std::vector<SpfBranch> record(const SpfRecord& spf, const std::string& domain, IpSet& passes,
                                IpSet& left) {
    std::vector<SpfBranch> out;
    path_.push_back(domain);
    for (const auto& term : spf.terms) {
      out.push_back(branch(term, domain));
      const auto reached = out.back().matches & left;
      if (term.qualifier == '+') passes = passes | reached;
      left = left - reached;
    }
    if (spf.all == '+') passes = passes | left;
    if (!spf.all && !spf.redirect.empty()) {
      out.push_back(included("redirect=" + spf.redirect, spf.redirect));
      passes = passes | (out.back().matches & left);
    }
    path_.pop_back();
    return out;
  }

 private:
  SpfBranch branch(const SpfTerm& term, const std::string& domain) {
    SpfBranch out;
    out.term = format_spf(term);
    if (!needs_lookup(term)) {
      const auto address = parse_ip(term.value);
      const auto prefix = term.mechanism == "ip4" ? term.prefix4 : term.prefix6;
      // "ip6:::ffff:192.0.2.1" matches no client at all
      if (address && (term.mechanism == "ip4") == address->is_v4())
        out.matches = IpSet::network(*address, prefix.value_or(address->is_v4() ? 32 : 128));
      return out;
    }
    if (term.mechanism == "include") return included(out.term, term.value);
    out.lookups = 1;
    out.proven = term.mechanism != "exists" && term.mechanism != "ptr" &&
                 term.value.find('%') == std::string::npos;
    if (!out.proven) return out;
    const auto name = term.value.empty() ? Result<std::string>(domain) : canonical_name(term.value);
    if (!name) return out;  // no such name can exist: it matches nothing (§4.8)
    if (term.mechanism == "a") addresses(*name, term, out);
    if (term.mechanism == "mx") exchanges(*name, term, out);
    return out;
  }

  void addresses(const std::string& name, const SpfTerm& term, SpfBranch& out) {
    bool found = false;
    for (const char* type : {"A", "AAAA"}) {
      const auto answer = lookups_.ask({name, type});
      if (answer.kind == Answer::Kind::failed) fails({name, type}, answer, out);
      for (const auto& rdata : answer.rdata) {
        const auto ip = parse_ip(rdata);
        if (!ip) continue;
        found = true;
        const auto prefix = ip->is_v4() ? term.prefix4 : term.prefix6;
        out.matches = out.matches | IpSet::network(*ip, prefix.value_or(ip->is_v4() ? 32 : 128));
      }
    }
    if (!found && !out.unknown) out.voids = 1;
  }

  void exchanges(const std::string& name, const SpfTerm& term, SpfBranch& out) {
    const Question question{name, "MX"};
    const auto answer = lookups_.ask(question);
    if (answer.kind == Answer::Kind::failed) return fails(question, answer, out);
    if (answer.rdata.empty()) out.voids = 1;
    if (answer.rdata.size() > kSpfHosts) {
      out.problem = escape_line(name) + " has more than 10 MX hosts (RFC 7208 §4.6.4)";
      return;
    }
    for (const auto& rdata : answer.rdata)
      if (const auto mx = parse_mx(rdata); mx && mx->exchange != ".")
        addresses(mx->exchange, term, out);
  }

  // include and redirect: the record of another domain.
  SpfBranch included(std::string term, const std::string& target) {
    SpfBranch out;
    out.term = std::move(term);
    out.lookups = 1;
    if (target.find('%') != std::string::npos) {
      out.proven = false;
      return out;
    }
    const auto name = canonical_name(target);
    if (!name) return broken(out, escape_line(target) + " is no domain name");
    if (std::find(path_.begin(), path_.end(), *name) != path_.end())
      return broken(out, escape_line(target) + " includes itself");
    if (++records_ > kMostRecords) return broken(out, "more records than a receiver would follow");
    const Question question{*name, "TXT"};
    const auto answer = lookups_.ask(question);
    if (answer.kind == Answer::Kind::failed) {
      fails(question, answer, out);
      return out;
    }
    const auto texts = spf_records(answer.rdata);
    if (texts.size() != 1)
      return broken(out, escape_line(target) +
                             (texts.empty() ? " has no SPF record" : " has several SPF records"));
    const auto spf = parse_spf(texts.front());
    if (!spf) return broken(out, escape_line(target) + ": " + spf.error().message());
    IpSet left = IpSet::everything();
    out.below = record(*spf, *name, out.matches, left);
    for (const auto& one : out.below) {
      out.lookups += one.lookups;
      out.voids += one.voids;
    }
    return out;
  }

  static SpfBranch broken(SpfBranch& out, std::string why) {
    out.problem = std::move(why);
    return std::move(out);
  }

  static void fails(const Question& question, const Answer& answer, SpfBranch& out) {
    out.unknown = true;
    out.problem = escape_line(question.name) + " " + question.type + ": " + answer.why;
  }

  Lookups& lookups_;
  std::vector<std::string> path_;  // of includes, so that a circle is seen
  int records_ = 0;
};

void collect(const std::vector<SpfBranch>& branches, const std::string& where, SpfTree& tree) {
  for (const auto& branch : branches) {
    if (!branch.proven) tree.outside.push_back(branch.term + where);
    if (!branch.problem.empty())
      tree.problems.push_back(branch.term + where + ": " + branch.problem);
    tree.unknown = tree.unknown || branch.unknown;
    collect(branch.below, " (in " + branch.term + ")", tree);
  }
}

}  // namespace

Result<SpfTree> spf_tree(const std::string& domain, const std::string& text, Lookups& lookups) {
  MXF_TRY(spf, parse_spf(text));
  SpfTree tree;
  tree.domain = domain;
  tree.text = text;
  tree.left = IpSet::everything();
  tree.terms = Walk(lookups).record(spf, domain, tree.passes, tree.left);
  for (const auto& branch : tree.terms) {
    tree.lookups += branch.lookups;
    tree.voids += branch.voids;
  }
  collect(tree.terms, "", tree);
  return tree;
}

}  // namespace mxferry::dns
