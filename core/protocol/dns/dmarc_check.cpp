// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/dmarc_check.hpp"

#include <algorithm>
#include <map>

#include "base/escape.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::dns {
namespace {

std::size_t labels(std::string name) {
  std::size_t count = 0;
  for (; name != "."; name = parent_of(name)) ++count;
  return count;
}

// What stands at _dmarc below one name.
struct Found {
  std::string domain;
  std::string text{};
  std::optional<DmarcRecord> record{};  // the single one
  bool several = false;
  std::string failure{};  // of the lookup; empty: it was answered
};

// The questions of one message: each is asked once.
class Records {
 public:
  Records(Lookups& lookups, DmarcVerdict& verdict) : lookups_(lookups), verdict_(verdict) {}

  const Found& at(const std::string& domain) {
    const auto known = found_.find(domain);
    if (known != found_.end()) return known->second;
    return found_[domain] = look(domain);
  }

  // RFC 8020: NXDOMAIN says that neither the name nor any below it exists. Nothing where the lookup
  // fails.
  std::optional<bool> exists(const std::string& domain) {
    const auto answer = ask({domain, "A"});
    if (answer.kind == Answer::Kind::failed) {
      verdict_.problems.push_back(domain + " A: " + answer.why);
      return std::nullopt;
    }
    return answer.kind != Answer::Kind::no_name;
  }

 private:
  Answer ask(const Question& question) {
    ++verdict_.questions;
    return lookups_.ask(question);
  }

  Found look(const std::string& domain) {
    Found out;
    out.domain = domain;
    const auto name = canonical_name("_dmarc." + domain);
    if (!name) return out;  // longer than a name can be: nothing stands there
    const auto answer = ask({*name, "TXT"});
    if (answer.kind == Answer::Kind::failed) out.failure = *name + " TXT: " + answer.why;
    for (const auto& rdata : answer.rdata) {
      const auto text = txt_text(rdata);
      if (!text || !is_dmarc(*text)) continue;
      out.several = out.record.has_value() || out.several;
      out.text = *text;
      out.record = parse_dmarc(*text);
    }
    if (out.several) {
      out.record.reset();
      verdict_.problems.push_back(*name + " has several DMARC records: receivers use none of them");
    } else if (out.record) {
      for (const auto& problem : out.record->problems)
        verdict_.problems.push_back(*name + ": " + problem);
    }
    return out;
  }

  Lookups& lookups_;
  DmarcVerdict& verdict_;
  std::map<std::string, Found> found_;
};

// What both RFCs share; they differ in how they find the organisation and the record.
class Check {
 public:
  Check(const DmarcRequest& request, Lookups& lookups)
      : request_(request), records_(lookups, verdict_) {}
  virtual ~Check() = default;
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;

  DmarcVerdict run() {
    verdict_.dkim_aligned.assign(request_.dkim.size(), false);
    evaluate();
    // Told wherever it can be found; the verdict needs it only where a name is another's.
    verdict_.organization = organization(request_.author).value_or("");
    return std::move(verdict_);
  }

 protected:
  // The organisational domain; nothing where a lookup fails.
  virtual std::optional<std::string> organization(const std::string& domain) = 0;
  // The record that applies to the author; nullptr where there is none or failed_ is set.
  virtual const Found* policy_record() = 0;
  virtual bool knows_np() const = 0;

  // A failed lookup, once.
  void told(const std::string& failure) {
    auto& all = verdict_.problems;
    if (std::find(all.begin(), all.end(), failure) == all.end()) all.push_back(failure);
  }

  const DmarcRequest& request_;
  DmarcVerdict verdict_;
  Records records_;
  bool failed_ = false;

 private:
  void evaluate() {
    const Found* found = policy_record();
    if (failed_) return temperror();
    if (found == nullptr) return;
    const auto& record = *found->record;
    verdict_.record = found->text;
    verdict_.record_domain = found->domain;
    verdict_.testing = record.testing;
    verdict_.pct = record.pct;
    if (record.policy_broken && record.rua.empty()) {
      verdict_.problems.push_back(
          "the record has no policy that can be read, and no rua: it does "
          "not apply");
      return;
    }
    if (!choose_policy(record, found->domain)) return temperror();
    judge(record);
  }

  void temperror() {
    verdict_.result = DmarcResult::temperror;
    verdict_.lookup_failed = true;
  }

  bool choose_policy(const DmarcRecord& record, const std::string& domain) {
    verdict_.policy_tag = "p";
    verdict_.policy = record.policy_broken ? DmarcPolicy::none : *record.p;
    if (domain == request_.author || record.policy_broken) return true;
    if (knows_np() && record.np) {
      const auto exists = records_.exists(request_.author);
      if (!exists) return false;
      if (!*exists) {
        verdict_.policy_tag = "np";
        verdict_.policy = *record.np;
        return true;
      }
    }
    if (record.sp) {
      verdict_.policy_tag = "sp";
      verdict_.policy = *record.sp;
    }
    return true;
  }

  // Nothing where a lookup fails.
  std::optional<bool> aligned(const std::string& domain, bool strict) {
    if (domain.empty()) return false;
    if (domain == request_.author) return true;
    if (strict) return false;
    const auto mine = organization(request_.author);
    const auto other = organization(domain);
    if (!mine || !other) return std::nullopt;
    return *mine == *other;
  }

  // One identity: it counts only where it is aligned, and where that cannot be known, and it would
  // matter, nobody can conclude (RFC 9989 §5.3).
  bool count(const DmarcIdentity& identity, bool strict) {
    const auto is_aligned = aligned(identity.domain, strict);
    const bool passed = identity.result == "pass";
    if (!is_aligned && (passed || identity.result == "temperror")) verdict_.lookup_failed = true;
    if (!is_aligned || !*is_aligned) return false;
    passes_ = passes_ || passed;
    open_ = open_ || identity.result == "temperror";
    return true;
  }

  void judge(const DmarcRecord& record) {
    verdict_.spf_aligned = count(request_.spf, record.strict_spf);
    for (std::size_t i = 0; i < request_.dkim.size(); ++i)
      verdict_.dkim_aligned[i] = count(request_.dkim[i], record.strict_dkim);
    const bool open = open_ || verdict_.lookup_failed;
    verdict_.result = passes_ ? DmarcResult::pass
                      : open  ? DmarcResult::temperror
                              : DmarcResult::fail;
    if (verdict_.result != DmarcResult::fail) return;
    verdict_.disposition = verdict_.policy;
    if (verdict_.testing && knows_np())
      verdict_.disposition =
          verdict_.policy == DmarcPolicy::reject ? DmarcPolicy::quarantine : DmarcPolicy::none;
  }

  bool passes_ = false;  // an aligned identity did
  bool open_ = false;    // of an aligned identity nobody knows yet
};

class TreeWalk final : public Check {
 public:
  using Check::Check;

 private:
  // The names that have a record, from the longest to the shortest; nothing where a lookup fails.
  std::optional<std::vector<const Found*>> walk(const std::string& domain) {
    std::vector<const Found*> out;
    std::string target = domain;
    while (target != ".") {
      const auto& found = records_.at(target);
      // What a public suffix says of itself does not move an organisation right below it.
      const bool settled =
          parent_of(target) == "." && !out.empty() && parent_of(out.back()->domain) == target;
      if (!found.failure.empty() && settled) break;
      if (!found.failure.empty()) {
        told(found.failure);
        return std::nullopt;
      }
      if (found.record) {
        out.push_back(&found);
        if (found.record->psd == 'n' || (found.record->psd == 'y' && target != domain)) break;
      }
      target = parent_of(target);
      while (labels(target) > kDmarcLabels) target = parent_of(target);
    }
    return out;
  }

  // RFC 9989 §4.10.2
  std::optional<std::string> organization(const std::string& domain) override {
    const auto path = walk(domain);
    if (!path) return std::nullopt;
    for (const auto* found : *path) {
      if (found->record->psd == 'n') return found->domain;
      if (found->record->psd == 'y' && found->domain != domain)
        return one_label_below(found->domain, domain);
    }
    return path->empty() ? domain : path->back()->domain;
  }

  // §4.10.1: of the author's own domain, else of the organisation, else of the public suffix.
  const Found* policy_record() override {
    const auto& own = records_.at(request_.author);
    if (own.record) return &own;
    const auto path = walk(request_.author);
    const auto above = organization(request_.author);
    failed_ = !path || !above;
    if (failed_) return nullptr;
    for (const auto* found : *path)
      if (found->domain == *above) return found;
    if (!path->empty() && path->back()->record->psd == 'y') return path->back();
    return nullptr;
  }

  static std::string one_label_below(const std::string& suffix, const std::string& domain) {
    std::string below = domain;
    while (parent_of(below) != suffix) below = parent_of(below);
    return below;
  }

  bool knows_np() const override { return true; }
};

class BySuffix final : public Check {
 public:
  BySuffix(const DmarcRequest& request, const PublicSuffixes& suffixes, Lookups& lookups)
      : Check(request, lookups), suffixes_(suffixes) {}

 private:
  std::optional<std::string> organization(const std::string& domain) override {
    return suffixes_.organizational_domain(domain);
  }

  // RFC 7489 §6.6.3: several records end it, they are not passed over.
  const Found* policy_record() override {
    for (const auto& domain : {request_.author, suffixes_.organizational_domain(request_.author)}) {
      const auto& found = records_.at(domain);
      failed_ = !found.failure.empty();
      if (failed_) told(found.failure);
      if (found.record) return &found;
      if (failed_ || found.several) return nullptr;
    }
    return nullptr;
  }

  bool knows_np() const override { return false; }

  const PublicSuffixes& suffixes_;
};

}  // namespace

std::string_view to_string(DmarcResult result) {
  switch (result) {
    case DmarcResult::none:
      return "none";
    case DmarcResult::pass:
      return "pass";
    case DmarcResult::fail:
      return "fail";
    case DmarcResult::temperror:
      break;
  }
  return "temperror";
}

DmarcVerdict check_dmarc(const DmarcRequest& request, Lookups& lookups) {
  return TreeWalk(request, lookups).run();
}

DmarcVerdict check_dmarc_7489(const DmarcRequest& request, const PublicSuffixes& suffixes,
                              Lookups& lookups) {
  return BySuffix(request, suffixes, lookups).run();
}

std::vector<std::string> dmarc_differences(const DmarcVerdict& now, const DmarcVerdict& before) {
  std::vector<std::string> out;
  const auto differ = [&](const char* what, std::string_view one, std::string_view other) {
    if (one == other) return;
    const auto word = [](std::string_view text) {
      return text.empty() ? std::string("none") : escape_line(text);
    };
    out.push_back(std::string(what) + ": " + word(one) + " by RFC 9989, " + word(other) +
                  " by RFC 7489");
  };
  differ("result", to_string(now.result), to_string(before.result));
  differ("organisational domain", now.organization, before.organization);
  differ("record of", now.record_domain, before.record_domain);
  differ("policy", to_string(now.policy), to_string(before.policy));
  differ("disposition", to_string(now.disposition), to_string(before.disposition));
  return out;
}

}  // namespace mxferry::dns
