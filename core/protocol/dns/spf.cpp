// SPDX-License-Identifier: Apache-2.0
// record     = "v=spf1" *( SP term ) *SP ; term = [qualifier] mechanism / modifier      (RFC 7208
// §4.6.1, §12)
#include "protocol/dns/spf.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>

#include "base/escape.hpp"

namespace mxferry::dns {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_mechanism(const std::string& name) {
  static constexpr std::array<std::string_view, 8> kNames = {"all", "include", "a",   "mx",
                                                             "ptr", "ip4",     "ip6", "exists"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
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

std::string spelled(const SpfTerm& term) {
  std::string out;
  if (term.qualifier != '+') out += term.qualifier;
  out += term.mechanism;
  if (!term.value.empty()) out += (term.value[0] == '/' ? "" : ":") + term.value;
  return out;
}

}  // namespace

bool is_spf(std::string_view text) {
  constexpr std::string_view kVersion = "v=spf1";
  if (text.size() < kVersion.size() ||
      lower(std::string(text.substr(0, kVersion.size()))) != kVersion)
    return false;
  return text.size() == kVersion.size() || text[kVersion.size()] == ' ';
}

Result<SpfRecord> parse_spf(std::string_view text) {
  const auto wrong = [&](const std::string& why) {
    return fail(ErrorCode::config, "SPF record \"" + escape_line(text) + "\"", why);
  };
  if (!is_spf(text)) return wrong("does not begin with v=spf1 and a blank (RFC 7208 §4.5)");
  SpfRecord record;
  std::istringstream words{std::string(text.substr(6))};
  for (std::string word; words >> word;) {
    const auto end = word.find_first_of(":=/", 0);
    const bool modifier = end != std::string::npos && word[end] == '=';
    if (modifier) {
      const std::string name = lower(word.substr(0, end));
      if (name == "redirect") {
        if (!record.redirect.empty()) return wrong("has two redirect modifiers (RFC 7208 §6)");
        record.redirect = word.substr(end + 1);
        if (record.redirect.empty()) return wrong("has an empty redirect");
      } else {
        record.other.push_back(word);
      }
      continue;
    }
    SpfTerm term;
    std::string rest = word;
    if (std::string_view("+-~?").find(rest[0]) != std::string_view::npos) {
      term.qualifier = rest[0];
      rest.erase(0, 1);
    }
    const auto cut = rest.find_first_of(":/");
    term.mechanism = lower(rest.substr(0, cut));
    if (cut != std::string::npos) term.value = rest.substr(rest[cut] == ':' ? cut + 1 : cut);
    if (!is_mechanism(term.mechanism))
      return wrong("\"" + escape_line(word) + "\" is not a mechanism (RFC 7208 §5)");
    const bool needs = term.mechanism == "include" || term.mechanism == "exists" ||
                       term.mechanism == "ip4" || term.mechanism == "ip6";
    if (needs && term.value.empty()) return wrong("\"" + escape_line(word) + "\" needs a value");
    if (term.mechanism == "all") {
      if (!record.all) record.all = term.qualifier;
      continue;  // what follows `all` is never reached (§5.1)
    }
    if (!record.all) record.terms.push_back(std::move(term));
  }
  return record;
}

std::string format_spf(const SpfRecord& record) {
  std::string out = "v=spf1";
  for (const auto& term : record.terms) out += " " + spelled(term);
  if (record.all) {
    out += ' ';
    if (*record.all != '+') out += *record.all;
    out += "all";
  } else if (!record.redirect.empty()) {
    out += " redirect=" + record.redirect;
  }
  for (const auto& modifier : record.other) out += " " + modifier;
  return out;
}

int spf_lookup_terms(const SpfRecord& record) {
  int count = record.redirect.empty() || record.all ? 0 : 1;
  for (const auto& term : record.terms) {
    if (term.mechanism == "include" || term.mechanism == "a" || term.mechanism == "mx" ||
        term.mechanism == "ptr" || term.mechanism == "exists")
      ++count;
  }
  return count;
}

Result<std::string> spf_overlap(std::string_view old_record, std::string_view new_record,
                                const std::vector<SpfExpansion>& old_addresses,
                                const std::vector<std::string>& new_hosts) {
  if (old_record.empty()) return std::string(new_record);
  if (new_record.empty()) return std::string(old_record);
  MXF_TRY(before, parse_spf(old_record));
  MXF_TRY(after, parse_spf(new_record));
  SpfRecord out;
  const auto add = [&](const SpfTerm& term) {
    if (std::find(out.terms.begin(), out.terms.end(), term) == out.terms.end())
      out.terms.push_back(term);
  };
  for (const auto& term : before.terms) {
    if (term.mechanism == "a" || term.mechanism == "mx") {
      const std::string key = term.value.empty() || term.value[0] == '/'
                                  ? term.mechanism
                                  : term.mechanism + ":" + lower(term.value);
      const auto found = std::find_if(old_addresses.begin(), old_addresses.end(),
                                      [&](const SpfExpansion& e) { return e.mechanism == key; });
      if (found != old_addresses.end()) {
        for (const auto& address : found->addresses) {
          SpfTerm fixed;
          fixed.qualifier = term.qualifier;
          fixed.mechanism = address.find(':') == std::string::npos ? "ip4" : "ip6";
          fixed.value = address;
          add(fixed);
        }
        continue;
      }
      if (term.value.empty() || term.value[0] == '/')
        return fail(
            ErrorCode::gate, "SPF overlap",
            "SPF-07: the old record's \"" + term.mechanism +
                "\" would mean the new host after the flip, and its addresses are not known");
    }
    add(term);
  }
  const auto add_redirect = [&](const SpfRecord& record) {
    if (record.redirect.empty() || record.all) return;
    SpfTerm include;
    include.mechanism = "include";
    include.value = record.redirect;
    add(include);
  };
  add_redirect(before);
  for (const auto& term : after.terms) {
    const bool own = term.value.empty() || term.value[0] == '/';
    if (term.mechanism != "mx" || !own || new_hosts.empty()) {
      add(term);
      continue;
    }
    for (const auto& host : new_hosts) {
      SpfTerm named;
      named.qualifier = term.qualifier;
      named.mechanism = "a";
      named.value = host + term.value;
      add(named);
    }
  }
  add_redirect(after);
  // A record without `all` ends neutral (RFC 7208 §4.7); one that redirects leaves it to the
  // target, which the include cannot carry.
  const auto end_of = [](const SpfRecord& record) { return record.all ? *record.all : '?'; };
  const char old_all = before.redirect.empty() || before.all ? end_of(before) : '~';
  const char new_all = after.redirect.empty() || after.all ? end_of(after) : '~';
  out.all = leniency(old_all) >= leniency(new_all) ? old_all : new_all;
  for (const auto& modifier : after.other) out.other.push_back(modifier);
  return format_spf(out);
}

}  // namespace mxferry::dns
