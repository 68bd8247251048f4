// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/spf_merge.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/escape.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/spf_check.hpp"
#include "protocol/dns/spf_tree.hpp"

namespace mxferry::dns {
namespace {

SpfTerm written(const std::string& text, char qualifier) {
  auto term = parse_spf("v=spf1 " + text)->terms.front();
  term.qualifier = qualifier;
  return term;
}

// How much `all` lets pass: the higher, the less restrictive.
int leniency(char qualifier) {
  switch (qualifier) {
    case '+':
      return 3;
    case '?':
      return 2;
    case '~':
      return 1;
    default:
      return 0;
  }
}

// Every term of both, the old ones first, and each once with its own qualifier. A redirect becomes
// an include; `all` is the least restrictive of both.
SpfRecord joined(const SpfRecord& before, const SpfRecord& after, std::vector<std::string>& notes) {
  SpfRecord out;
  const auto add = [](auto& to, const auto& from) {
    for (const auto& item : from)
      if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
  };
  // A record without `all` ends neutral (RFC 7208 §4.7); one that redirects leaves it to the
  // target, which the include cannot carry.
  std::array<char, 2> ends{};
  for (const auto* record : {&before, &after}) {
    const bool redirects = !record->all && !record->redirect.empty();
    ends.at(record == &before ? 0 : 1) = record->all.value_or(redirects ? '~' : '?');
    add(out.terms, record->terms);
    if (redirects) add(out.terms, std::vector{written("include:" + record->redirect, '+')});
    add(out.other, record->other);
  }
  out.all = leniency(ends[0]) >= leniency(ends[1]) ? ends[0] : ends[1];
  out.exp = after.exp.empty() ? before.exp : after.exp;
  if (!before.exp.empty() && before.exp != out.exp)
    notes.push_back("a record explains once: exp=" + before.exp + " gives way to exp=" + out.exp);
  return out;
}

// Does the branch, or one below it, lead to the record that `term` includes?
bool leads_to(const SpfBranch& branch, const std::string& term) {
  return std::any_of(branch.below.begin(), branch.below.end(), [&](const SpfBranch& below) {
    return below.term == term || leads_to(below, term);
  });
}

bool stands_in(const std::vector<SpfTerm>& terms, const SpfTerm& term) {
  return std::find(terms.begin(), terms.end(), term) != terms.end();
}

class Solver {
 public:
  Solver(const SpfMergeRequest& request, Lookups& lookups) : request_(request), lookups_(lookups) {}

  Result<SpfMerge> run() {
    MXF_TRY(old_text, fixed_old());
    MXF_TRY(new_text, named_new());
    MXF_TRY(old_tree, tree_of(old_text, "the old record"));
    MXF_TRY(new_tree, tree_of(new_text, "the new record"));
    MXF_TRY(old_spf, parse_spf(old_text));
    MXF_TRY(new_spf, parse_spf(new_text));
    old_ = std::move(old_spf);
    target_ = old_tree.passes | new_tree.passes;
    const auto first = joined(old_, new_spf, out_.notes);
    MXF_TRY(record, ordered(first, new_spf, old_tree));
    MXF_TRY(fewest, without_doubles(record));
    MXF_TRY(final, within_limit(fewest));
    MXF_TRY(tree, tree_of(format_spf(final), "the record for both"));
    out_.record = tree.text;
    out_.proven = tree.passes == target_;
    out_.missing = target_ - tree.passes;
    out_.surplus = tree.passes - target_;
    out_.lookups = tree.lookups;
    out_.voids = tree.voids;
    out_.outside = tree.outside;
    return std::move(out_);
  }

 private:
  Result<SpfTree> tree_of(const std::string& text, const std::string& whose) {
    MXF_TRY(tree, spf_tree(request_.domain, text, lookups_));
    if (tree.unknown)
      return fail(ErrorCode::network, "SPF merge", whose + ": " + tree.problems.front());
    if (!tree.problems.empty())
      return fail(ErrorCode::config, "SPF merge",
                  whose + " is an error to receivers: " + tree.problems.front());
    return tree;
  }

  // SPF-07: `a` and `mx` of this domain mean other hosts after the flip: they stand as what they
  // mean now.
  Result<std::string> fixed_old() {
    MXF_TRY(spf, parse_spf(request_.old_record));
    MXF_TRY(tree, tree_of(request_.old_record, "the old record"));
    SpfRecord out = spf;
    out.terms.clear();
    for (std::size_t i = 0; i < spf.terms.size(); ++i) {
      const auto& term = spf.terms[i];
      const auto& branch = tree.terms[i];
      if ((term.mechanism != "a" && term.mechanism != "mx") || !branch.proven || !is_ours(term)) {
        out.terms.push_back(term);
        continue;
      }
      SpfFlattening fixed{branch.term, branch.matches.spf_terms()};
      for (const auto& network : fixed.networks)
        out.terms.push_back(written(network, term.qualifier));
      out_.fixed.push_back(std::move(fixed));
    }
    return format_spf(out);
  }

  bool is_ours(const SpfTerm& term) const {
    if (term.value.empty()) return true;
    const auto name = canonical_name(term.value);
    return name && is_within(*name, request_.domain);
  }

  // `mx` of the new record means the new hosts, whatever MX a receiver sees today.
  Result<std::string> named_new() const {
    MXF_TRY(spf, parse_spf(request_.new_record));
    SpfRecord out = spf;
    out.terms.clear();
    for (const auto& term : spf.terms) {
      if (term.mechanism != "mx" || !term.value.empty()) {
        out.terms.push_back(term);
        continue;
      }
      if (request_.new_hosts.empty())
        return fail(Error(fail(ErrorCode::config, "SPF merge",
                               "the new record holds mx, and its hosts are not named")
                              .error())
                        .with_remedy("name the new MX hosts"));
      for (const auto& host : request_.new_hosts) {
        SpfTerm named = term;
        named.mechanism = "a";
        named.value = host.substr(0, host.size() - 1);
        out.terms.push_back(std::move(named));
      }
    }
    return format_spf(out);
  }

  Result<bool> proves(const SpfRecord& record) {
    MXF_TRY(tree, tree_of(format_spf(record), "the record for both"));
    return tree.passes == target_;
  }

  // First the old terms, then the new ones; where a negative term of the old record would take
  // addresses from the new one, the new ones first; where each takes from the other, the old side
  // as the networks that pass by it.
  Result<SpfRecord> ordered(const SpfRecord& old_first, const SpfRecord& new_spf,
                            const SpfTree& old_tree) {
    MXF_TRY(simple, proves(old_first));
    if (simple) return old_first;
    SpfRecord new_first = old_first;
    std::stable_partition(new_first.terms.begin(), new_first.terms.end(),
                          [&](const SpfTerm& term) { return stands_in(new_spf.terms, term); });
    MXF_TRY(turned, proves(new_first));
    if (turned) {
      out_.notes.emplace_back(
          "a negative term of the old record would take addresses from the new provider: the new "
          "terms stand first");
      return new_first;
    }
    SpfRecord flat = old_first;
    flat.terms.clear();
    for (const auto& network : old_tree.passes.spf_terms())
      flat.terms.push_back(written(network, '+'));
    for (std::size_t i = 0; i < old_.terms.size(); ++i)
      if (!old_tree.terms[i].proven) flat.terms.push_back(old_.terms[i]);
    for (const auto& term : new_spf.terms)
      if (!stands_in(flat.terms, term)) flat.terms.push_back(term);
    out_.flattened.push_back({"the old record", old_tree.passes.spf_terms()});
    out_.notes.emplace_back(
        "negative terms of both records take addresses from the other: the old "
        "record stands as the networks that pass by it");
    return flat;
  }

  // Without includes that another include leads to, and networks inside of others, where the same
  // addresses pass.
  Result<SpfRecord> without_doubles(SpfRecord record) {
    for (std::size_t i = 0; i < record.terms.size();) {
      SpfRecord without = record;
      without.terms.erase(without.terms.begin() + static_cast<std::ptrdiff_t>(i));
      MXF_TRY(drop, is_double(record, i, without));
      if (!drop) {
        ++i;
        continue;
      }
      out_.notes.push_back(format_spf(record.terms[i]) + " is held by other terms: left out");
      record = std::move(without);
    }
    return record;
  }

  Result<bool> is_double(const SpfRecord& record, std::size_t at, const SpfRecord& without) {
    const auto& term = record.terms[at];
    if (term.qualifier != '+' || (needs_lookup(term) && term.mechanism != "include")) return false;
    if (term.mechanism == "include") {
      MXF_TRY(tree, tree_of(format_spf(without), "the record for both"));
      const bool led =
          std::any_of(tree.terms.begin(), tree.terms.end(),
                      [&](const SpfBranch& branch) { return leads_to(branch, format_spf(term)); });
      return led && tree.passes == target_;
    }
    SpfRecord networks;
    for (const auto& other : without.terms)
      if (!needs_lookup(other) && other.qualifier == '+') networks.terms.push_back(other);
    SpfRecord own;
    own.terms.push_back(term);
    MXF_TRY(mine, spf_tree(request_.domain, format_spf(own), lookups_));
    MXF_TRY(others, spf_tree(request_.domain, format_spf(networks), lookups_));
    if (!others.passes.contains(mine.passes)) return false;
    return proves(without);
  }

  // SPF-08: only as many terms of the old record as it needs, the costliest first.
  Result<SpfRecord> within_limit(SpfRecord record) {
    while (true) {
      MXF_TRY(tree, tree_of(format_spf(record), "the record for both"));
      if (tree.lookups <= kSpfLookups) return record;
      std::optional<std::size_t> costliest;
      for (std::size_t i = 0; i < record.terms.size(); ++i) {
        const bool old = stands_in(old_.terms, record.terms[i]) ||
                         tree.terms[i].term == "include:" + old_.redirect;
        if (!old || !fits(tree.terms[i])) continue;
        if (!costliest || tree.terms[i].lookups > tree.terms[*costliest].lookups) costliest = i;
      }
      if (!costliest) {
        out_.notes.push_back("it needs " + std::to_string(tree.lookups) +
                             " lookups, and no term of the old record is left that could stand as "
                             "networks: receivers answer permerror (RFC 7208 §4.6.4)");
        return record;
      }
      flatten(record, *costliest, tree.terms[*costliest]);
    }
  }

  static bool fits(const SpfBranch& branch) {
    const auto proven = [](const auto& self, const SpfBranch& one) -> bool {
      return one.proven && std::all_of(one.below.begin(), one.below.end(),
                                       [&](const SpfBranch& below) { return self(self, below); });
    };
    return branch.lookups > 0 && proven(proven, branch);
  }

  void flatten(SpfRecord& record, std::size_t at, const SpfBranch& branch) {
    SpfFlattening flat{branch.term, branch.matches.spf_terms()};
    const char qualifier = record.terms[at].qualifier;
    auto place = record.terms.erase(record.terms.begin() + static_cast<std::ptrdiff_t>(at));
    for (const auto& network : flat.networks)
      place = record.terms.insert(place, written(network, qualifier)) + 1;
    out_.notes.push_back(flat.term +
                         " stands as its networks of today, for want of lookups: look each day "
                         "whether they are still the same, and take them out with the old side");
    out_.flattened.push_back(std::move(flat));
  }

  const SpfMergeRequest& request_;
  Lookups& lookups_;
  SpfRecord old_;  // with what is fixed in it
  IpSet target_;
  SpfMerge out_;
};

}  // namespace

Result<SpfMerge> merge_spf(const SpfMergeRequest& request, Lookups& lookups) {
  return Solver(request, lookups).run();
}

}  // namespace mxferry::dns
