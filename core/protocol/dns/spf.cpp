// SPDX-License-Identifier: Apache-2.0
// record     = "v=spf1" *( SP term ) *SP ; term = [qualifier] mechanism / modifier      (RFC 7208
// §4.6.1, §12)
#include "protocol/dns/spf.hpp"

#include <algorithm>
#include <cctype>

#include "base/escape.hpp"
#include "protocol/dns/ip_address.hpp"
#include "protocol/dns/spf_macro.hpp"

namespace mxferry::dns {
namespace {

constexpr int kBits4 = 32;
constexpr int kBits6 = 128;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// "/" and a number without leading zeros, up to `most`, at the end of `text`, which loses it.
// False where something else stands behind the last '/'.
bool take_prefix(std::string& text, int most, std::optional<int>& prefix) {
  const auto slash = text.rfind('/');
  const std::string digits = text.substr(slash + 1);
  if (digits.empty() || digits.size() > 3 ||
      digits.find_first_not_of("0123456789") != std::string::npos ||
      (digits.size() > 1 && digits[0] == '0') || std::stoi(digits) > most)
    return false;
  prefix = std::stoi(digits);
  text.erase(slash);
  return true;
}

// dual-cidr-length = [ "/" ip4-cidr ] [ "//" ip6-cidr ] at the end of `text` (RFC 7208 §5.6). A
// domain-spec may hold a '/' too, but its last label may not.
bool take_prefixes(std::string& text, SpfTerm& term) {
  const auto numbered = [&] {
    const auto slash = text.rfind('/');
    return slash != std::string::npos &&
           text.find_first_not_of("0123456789", slash + 1) == std::string::npos;
  };
  if (!numbered()) return true;
  const auto slash = text.rfind('/');
  if (slash > 0 && text[slash - 1] == '/') {
    if (!take_prefix(text, kBits6, term.prefix6)) return false;
    text.pop_back();
    if (!numbered()) return true;
  }
  return take_prefix(text, kBits4, term.prefix4);
}

bool is_modifier_name(std::string_view name) {
  const auto letter = [](unsigned char c) { return c < 0x80 && std::isalpha(c) != 0; };
  if (name.empty() || !letter(static_cast<unsigned char>(name[0]))) return false;
  return std::all_of(name.begin(), name.end(), [&](unsigned char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

// One directive without its qualifier; empty on success, else what is wrong with it.
std::string read_mechanism(const std::string& text, SpfTerm& term) {
  const auto cut = text.find_first_of(":/");
  term.mechanism = lower(text.substr(0, cut));
  const bool valued = cut != std::string::npos && text[cut] == ':';
  std::string rest = cut == std::string::npos ? "" : text.substr(valued ? cut + 1 : cut);
  const auto& name = term.mechanism;
  if (name == "all") return cut == std::string::npos ? "" : "takes no value (RFC 7208 §5.1)";
  if (name == "ip4" || name == "ip6") {
    const bool v4 = name == "ip4";
    if (!valued || rest.empty()) return "needs an address (RFC 7208 §5.6)";
    if (rest.find('/') != std::string::npos &&
        !take_prefix(rest, v4 ? kBits4 : kBits6, v4 ? term.prefix4 : term.prefix6))
      return "has a malformed prefix length (RFC 7208 §5.6)";
    const auto address = parse_ip(rest);
    if (!address || (rest.find(':') == std::string::npos) != v4)
      return "is not an address of its family (RFC 7208 §5.6)";
    term.value = rest;
    return "";
  }
  if (name == "a" || name == "mx") {
    if (!take_prefixes(rest, term)) return "has a malformed prefix length (RFC 7208 §5.3, §5.4)";
    if (!valued && !rest.empty()) return "has a malformed prefix length (RFC 7208 §5.3, §5.4)";
  } else if (name == "include" || name == "exists") {
    if (!valued) return "needs a domain (RFC 7208 §5.2, §5.7)";
  } else if (name == "ptr") {
    if (!valued && !rest.empty()) return "takes no prefix length (RFC 7208 §5.5)";
  } else {
    return "is not a mechanism (RFC 7208 §5)";
  }
  if (valued && !is_domain_spec(rest)) return "has a malformed domain (RFC 7208 §7.1)";
  term.value = rest;
  return "";
}

// The "/24//64" of a term; empty where it has none.
std::string format_prefixes(const SpfTerm& term) {
  std::string out;
  if (term.prefix4) out += "/" + std::to_string(*term.prefix4);
  if (term.prefix6) out += (term.mechanism == "ip6" ? "/" : "//") + std::to_string(*term.prefix6);
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
  std::size_t at = std::string_view("v=spf1").size();
  while ((at = text.find_first_not_of(' ', at)) != std::string_view::npos) {
    const std::string word(text.substr(at, text.find(' ', at) - at));
    at += word.size();
    const auto bad = [&](const std::string& why) {
      return wrong("\"" + escape_line(word) + "\" " + why);
    };
    const auto end = word.find_first_of(":=/");
    if (end != std::string::npos && word[end] == '=') {
      const std::string name = lower(word.substr(0, end));
      const std::string value = word.substr(end + 1);
      if (!is_modifier_name(name)) return bad("is not a modifier (RFC 7208 §4.6.1)");
      if (name != "redirect" && name != "exp") {
        if (!parse_macro_string(value, SpfText::explanation)) return bad("has a malformed value");
        record.other.push_back(word);
        continue;
      }
      auto& modifier = name == "exp" ? record.exp : record.redirect;
      if (!modifier.empty()) return wrong("has two " + name + " modifiers (RFC 7208 §6)");
      if (!is_domain_spec(value)) return bad("has a malformed domain (RFC 7208 §7.1)");
      modifier = value;
      continue;
    }
    SpfTerm term;
    const bool qualified = std::string_view("+-~?").find(word[0]) != std::string_view::npos;
    if (qualified) term.qualifier = word[0];
    const auto why = read_mechanism(word.substr(qualified ? 1 : 0), term);
    if (!why.empty()) return bad(why);
    if (record.all) continue;  // what follows `all` is never reached (§5.1)
    if (term.mechanism == "all")
      record.all = term.qualifier;
    else
      record.terms.push_back(std::move(term));
  }
  return record;
}

std::string format_spf(const SpfTerm& term) {
  std::string out;
  if (term.qualifier != '+') out += term.qualifier;
  out += term.mechanism;
  if (!term.value.empty()) out += ":" + term.value;
  return out + format_prefixes(term);
}

bool needs_lookup(const SpfTerm& term) {
  return term.mechanism != "ip4" && term.mechanism != "ip6";
}

std::string format_spf(const SpfRecord& record) {
  std::string out = "v=spf1";
  for (const auto& term : record.terms) out += " " + format_spf(term);
  if (record.all) {
    out += ' ';
    if (*record.all != '+') out += *record.all;
    out += "all";
  } else if (!record.redirect.empty()) {
    out += " redirect=" + record.redirect;
  }
  if (!record.exp.empty()) out += " exp=" + record.exp;
  for (const auto& modifier : record.other) out += " " + modifier;
  return out;
}

}  // namespace mxferry::dns
