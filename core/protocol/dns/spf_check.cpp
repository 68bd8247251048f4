// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/spf_check.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/escape.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf.hpp"
#include "protocol/dns/spf_macro.hpp"

namespace mxferry::dns {
namespace {

constexpr std::size_t kLongestExplanation = 4096;  // octets; longer ones are nobody's SMTP reply
constexpr std::size_t kLongestSender = 1024;       // octets of MAIL FROM that macros may repeat

// Octets as a name, where a '\' is an octet too; nothing where no name can hold them.
std::optional<std::string> name_of(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += c == '\\' ? std::string("\\\\") : std::string(1, c);
  auto name = canonical_name(escaped);
  if (!name || *name == ".") return std::nullopt;
  return *std::move(name);
}

// §4.3: malformed, or of one label only, is nothing to ask for.
bool is_checkable(std::string_view domain) {
  const auto name = name_of(domain);
  if (!name || parent_of(*name) == ".") return false;
  return std::all_of(domain.begin(), domain.end(),
                     [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '[' && c != ']'; });
}

std::string quoted(std::string_view text) { return "\"" + escape_line(text) + "\""; }

class Check {
 public:
  Check(const SpfRequest& request, Lookups& lookups) : request_(request), lookups_(lookups) {
    std::string_view sender = request.sender;
    if (sender.starts_with('<') && sender.ends_with('>'))
      sender = sender.substr(1, sender.size() - 2);
    const auto at = sender.rfind('@');
    values_.local = at == std::string_view::npos ? "" : sender.substr(0, at);
    values_.origin = sender.empty()                 ? std::string_view(request.helo)
                     : at == std::string_view::npos ? sender
                                                    : sender.substr(at + 1);
    if (values_.local.empty()) values_.local = "postmaster";  // §4.3, §2.4
    if (values_.origin.ends_with('.')) values_.origin.pop_back();
    values_.helo = request.helo;
    values_.receiver = request.receiver;
    values_.client = request.client;
    values_.now = request.now;
    values_.validated = [this] { return validated_name(); };
  }

  SpfVerdict run() {
    verdict_.domain = values_.origin;
    if (request_.sender.size() > kLongestSender || request_.helo.size() > kLongestSender) {
      verdict_.problem = "the sender or HELO is longer than any address";
      return std::move(verdict_);
    }
    verdict_.result = check_host(values_.origin, true);
    return std::move(verdict_);
  }

 private:
  // What evaluating a term came to: it matches or not, or the whole check ends with an error.
  enum class Match { yes, no, temperror, permerror };

  // §4.4 to §4.7. `explains`: this record's fail is the verdict's, not an include's.
  SpfResult check_host(const std::string& domain, bool explains) {
    const std::string outer = std::exchange(values_.domain, domain);
    const auto result = check_record(domain, explains);
    values_.domain = outer;
    return result;
  }

  SpfResult check_record(const std::string& domain, bool explains) {
    if (!is_checkable(domain))
      return problem(SpfResult::none, quoted(domain) + " is not a domain name of two labels");
    const Question question{*name_of(domain), "TXT"};
    const auto& answer = ask(question);
    if (answer.kind == Answer::Kind::failed) return failed(question, answer);
    if (verdict_.lookups > 0 && !count_void(answer)) return SpfResult::permerror;
    if (answer.kind == Answer::Kind::no_name)
      return problem(SpfResult::none, quoted(domain) + " does not exist");
    const auto records = spf_records(answer.rdata);
    if (records.empty()) return problem(SpfResult::none, quoted(domain) + " has no SPF record");
    if (records.size() > 1)
      return problem(SpfResult::permerror, quoted(domain) + " has " +
                                               std::to_string(records.size()) +
                                               " SPF records (RFC 7208 §4.5)");
    const auto record = parse_spf(records.front());
    if (!record) return problem(SpfResult::permerror, record.error().message());
    for (const auto& term : record->terms) {
      switch (matches(term)) {
        case Match::no:
          continue;
        case Match::yes:
          return decided(term.qualifier, format_spf(term), *record, explains);
        case Match::temperror:
          return SpfResult::temperror;
        case Match::permerror:
          return SpfResult::permerror;
      }
    }
    if (record->all) {
      const std::string sign = *record->all == '+' ? "" : std::string(1, *record->all);
      return decided(*record->all, sign + "all", *record, explains);
    }
    if (!record->redirect.empty()) return redirected(record->redirect, explains);
    return SpfResult::neutral;  // §4.7
  }

  SpfResult decided(char qualifier, const std::string& term, const SpfRecord& record,
                    bool explains) {
    if (explains) verdict_.matched = term;
    switch (qualifier) {
      case '-':
        if (explains && !record.exp.empty()) verdict_.explanation = explanation(record.exp);
        return SpfResult::fail;
      case '~':
        return SpfResult::softfail;
      case '?':
        return SpfResult::neutral;
      default:
        return SpfResult::pass;
    }
  }

  // §6.1
  SpfResult redirected(const std::string& domain_spec, bool explains) {
    if (!begin_term()) return SpfResult::permerror;
    const auto target = target_of(domain_spec);
    if (!target) return SpfResult::permerror;
    const auto result = check_host(*target, explains);
    if (result != SpfResult::none) return result;
    return problem(SpfResult::permerror, "redirect=" + quoted(*target) + ": " + verdict_.problem);
  }

  Match matches(const SpfTerm& term) {
    if (!needs_lookup(term)) {
      const auto network = parse_ip(term.value);
      const auto prefix = term.mechanism == "ip4" ? term.prefix4 : term.prefix6;
      // An ip6 network never holds an IPv4 client, not even one that is written as mapped (§5.6).
      if ((term.mechanism == "ip4") != request_.client.is_v4()) return Match::no;
      return network && same_network(*network, request_.client, prefix.value_or(bits()))
                 ? Match::yes
                 : Match::no;
    }
    if (!begin_term()) return Match::permerror;
    const auto target = term.value.empty() ? std::optional(values_.domain) : target_of(term.value);
    if (!target) return Match::permerror;
    if (term.mechanism == "include") return included(*target);
    const auto name = name_of(*target);
    if (!name) return Match::no;  // §4.8: no such name can exist
    if (term.mechanism == "ptr") return named(*name);
    if (term.mechanism == "exists") return exists(*name);
    if (term.mechanism == "mx") return exchanges(*name, term);
    return addressed(*name, term);
  }

  // §5.2, its table
  Match included(const std::string& target) {
    switch (check_host(target, false)) {
      case SpfResult::pass:
        return Match::yes;
      case SpfResult::fail:
      case SpfResult::softfail:
      case SpfResult::neutral:
        return Match::no;
      case SpfResult::temperror:
        return Match::temperror;
      case SpfResult::none:
        verdict_.problem = "include:" + quoted(target) + ": " + verdict_.problem;
        return Match::permerror;
      case SpfResult::permerror:
        break;
    }
    return Match::permerror;
  }

  // §5.3: does the name have the client's address, or one of its network?
  Match addressed(const std::string& name, const SpfTerm& term) {
    const Question question{name, address_type()};
    const auto& answer = ask(question);
    if (answer.kind == Answer::Kind::failed) return failed_match(question, answer);
    if (!count_void(answer)) return Match::permerror;
    const int prefix = (request_.client.is_v4() ? term.prefix4 : term.prefix6).value_or(bits());
    const bool found =
        std::any_of(answer.rdata.begin(), answer.rdata.end(), [&](const std::string& address) {
          const auto ip = parse_ip(address);
          return ip && same_network(*ip, request_.client, prefix);
        });
    return found ? Match::yes : Match::no;
  }

  // §5.4. A domain without MX does not fall back to its address here.
  Match exchanges(const std::string& name, const SpfTerm& term) {
    const Question question{name, "MX"};
    const auto answer = ask(question);
    if (answer.kind == Answer::Kind::failed) return failed_match(question, answer);
    if (!count_void(answer)) return Match::permerror;
    if (answer.rdata.size() > kSpfHosts) {
      problem(SpfResult::permerror, quoted(name) + " has more than 10 MX hosts (RFC 7208 §4.6.4)");
      return Match::permerror;
    }
    for (const auto& rdata : answer.rdata) {
      const auto mx = parse_mx(rdata);
      if (!mx || mx->exchange == ".") continue;  // RFC 7505: no host at all
      const auto match = addressed(mx->exchange, term);
      if (match != Match::no) return match;
    }
    return Match::no;
  }

  // §5.7: always A, whatever the client's family.
  Match exists(const std::string& name) {
    const Question question{name, "A"};
    const auto& answer = ask(question);
    if (answer.kind == Answer::Kind::failed) return failed_match(question, answer);
    if (!count_void(answer)) return Match::permerror;
    return answer.kind == Answer::Kind::found ? Match::yes : Match::no;
  }

  // §5.5: is one of the client's proven names the target or below it?
  Match named(const std::string& target) {
    const auto& names = proven_names();
    if (over_) return Match::permerror;
    const bool found = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return is_within(name, target);
    });
    return found ? Match::yes : Match::no;
  }

  // The names of the client's address that have this address (§5.5): of the first 10, without those
  // whose lookup fails; none where the first lookup fails.
  const std::vector<std::string>& proven_names() {
    const auto answer = ask(Question{reverse_name(request_.client), "PTR"});
    if (answer.kind != Answer::Kind::failed && !count_void(answer)) over_ = true;
    if (names_) return *names_;
    names_.emplace();
    for (std::size_t i = 0; i < std::min(answer.rdata.size(), kSpfHosts); ++i) {
      const auto& addresses = ask(Question{answer.rdata[i], address_type()});
      for (const auto& address : addresses.rdata)
        if (parse_ip(address) == request_.client) {
          names_->push_back(answer.rdata[i]);
          break;
        }
    }
    return *names_;
  }

  // %{p} (§7.3): the domain itself, else a name below it, else any; "unknown" where there is none.
  std::string validated_name() {
    // Its PTR question counts among the ten (§4.6.4), once: later ones are answered from memory.
    if (!names_ && !explaining_ && !count_lookup()) return "unknown";
    const auto& names = proven_names();
    if (names.empty()) return "unknown";
    const auto domain = name_of(values_.domain).value_or(".");
    auto best = std::find(names.begin(), names.end(), domain);
    if (best == names.end())
      best = std::find_if(names.begin(), names.end(),
                          [&](const std::string& name) { return is_within(name, domain); });
    if (best == names.end()) best = names.begin();
    return best->substr(0, best->size() - 1);
  }

  // §6.2: whatever goes wrong here, there is no explanation, and the verdict stays.
  std::string explanation(const std::string& domain_spec) {
    explaining_ = true;
    const auto name = name_of(target_name(domain_spec, values_));
    if (!name) return "";
    const auto& answer = ask(Question{*name, "TXT"});
    if (answer.kind != Answer::Kind::found || answer.rdata.size() != 1) return "";
    const auto text = txt_text(answer.rdata.front());
    if (!text) return "";
    const auto pieces = parse_macro_string(*text, SpfText::explanation);
    if (!pieces) return "";
    auto out = expand_macros(*pieces, values_, kLongestExplanation + 1);
    return out.size() > kLongestExplanation ? "" : out;
  }

  // Nothing where a %{p} in it was one lookup too many.
  std::optional<std::string> target_of(const std::string& domain_spec) {
    auto target = target_name(domain_spec, values_);
    if (over_) return std::nullopt;
    return target;
  }

  bool begin_term() {
    void_counted_ = false;
    return count_lookup();
  }

  bool count_lookup() {
    if (++verdict_.lookups <= kSpfLookups) return true;
    over_ = true;
    problem(SpfResult::permerror, "more than 10 terms need a lookup (RFC 7208 §4.6.4)");
    return false;
  }

  // False where this is one term with a void lookup too many.
  bool count_void(const Answer& answer) {
    if (explaining_ || void_counted_ || answer.kind == Answer::Kind::found) return true;
    void_counted_ = true;
    if (++verdict_.voids <= kSpfVoids) return true;
    problem(SpfResult::permerror, "more than 2 terms look for what is not there (RFC 7208 §4.6.4)");
    return false;
  }

  const Answer& ask(const Question& question) {
    const auto found = answers_.find({question.name, question.type});
    if (found != answers_.end()) return found->second;
    return answers_[{question.name, question.type}] = lookups_.ask(question);
  }

  SpfResult problem(SpfResult result, std::string why) {
    verdict_.problem = std::move(why);
    return result;
  }

  SpfResult failed(const Question& question, const Answer& answer) {
    return problem(SpfResult::temperror,
                   escape_line(question.name) + " " + question.type + ": " + answer.why);
  }
  Match failed_match(const Question& question, const Answer& answer) {
    failed(question, answer);
    return Match::temperror;
  }

  int bits() const { return request_.client.is_v4() ? 32 : 128; }
  std::string address_type() const { return request_.client.is_v4() ? "A" : "AAAA"; }

  const SpfRequest& request_;
  Lookups& lookups_;
  SpfMacroValues values_;
  SpfVerdict verdict_;
  std::map<std::pair<std::string, std::string>, Answer> answers_;
  std::optional<std::vector<std::string>> names_;  // once they were asked for
  bool void_counted_ = false;                      // for the term at hand
  bool explaining_ = false;                        // the verdict stands; nothing counts any more
  bool over_ = false;                              // a limit was reached inside a macro
};

}  // namespace

std::string_view to_string(SpfResult result) {
  switch (result) {
    case SpfResult::none:
      return "none";
    case SpfResult::neutral:
      return "neutral";
    case SpfResult::pass:
      return "pass";
    case SpfResult::fail:
      return "fail";
    case SpfResult::softfail:
      return "softfail";
    case SpfResult::temperror:
      return "temperror";
    case SpfResult::permerror:
      break;
  }
  return "permerror";
}

SpfVerdict check_spf(const SpfRequest& request, Lookups& lookups) {
  return Check(request, lookups).run();
}

std::vector<std::string> spf_records(const std::vector<std::string>& rdata) {
  std::vector<std::string> out;
  for (const auto& one : rdata) {
    auto text = txt_text(one);
    if (text && is_spf(*text)) out.push_back(*std::move(text));
  }
  return out;
}

}  // namespace mxferry::dns
