// SPDX-License-Identifier: Apache-2.0
// dmarc-record = dmarc-version *( *WSP ";" *WSP tag ) [ *WSP ";" *WSP ]       (RFC 9989 §4.8)
#include "protocol/dns/dmarc_record.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>

#include "base/escape.hpp"

namespace mxferry::dns {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

struct Tag {
  std::string name;  // lower case
  std::string_view value;
};

std::optional<Tag> read_tag(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  Tag tag;
  tag.name = lower(trimmed(text.substr(0, equals)));
  tag.value = trimmed(text.substr(equals + 1));
  const bool letters =
      std::all_of(tag.name.begin(), tag.name.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  const bool printable =
      std::all_of(tag.value.begin(), tag.value.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (tag.name.empty() || !letters || tag.value.empty() || !printable) return std::nullopt;
  return tag;
}

std::optional<DmarcPolicy> read_policy(const std::string& value) {
  for (const auto policy : {DmarcPolicy::none, DmarcPolicy::quarantine, DmarcPolicy::reject})
    if (value == to_string(policy)) return policy;
  return std::nullopt;
}

std::vector<std::string> read_uris(std::string_view value) {
  std::vector<std::string> out;
  while (!value.empty()) {
    const auto comma = value.find(',');
    const auto uri = trimmed(value.substr(0, comma));
    if (!uri.empty()) out.emplace_back(uri);
    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
  }
  return out;
}

class Reader {
 public:
  DmarcRecord read(std::string_view text) {
    text.remove_prefix(std::min(text.find(';'), text.size()));
    while (!text.empty()) {
      text.remove_prefix(1);
      const auto part = text.substr(0, text.find(';'));
      text.remove_prefix(part.size());
      if (!trimmed(part).empty()) take(trimmed(part));
    }
    if (!record_.p) record_.policy_broken = true;
    return std::move(record_);
  }

 private:
  void take(std::string_view part) {
    const auto tag = read_tag(part);
    if (!tag) return problem(part, "is no tag");
    if (!seen_.insert(tag->name).second) return problem(part, "stands a second time");
    const auto value = lower(tag->value);
    if (tag->name == "p" || tag->name == "sp" || tag->name == "np") return policy(*tag, value);
    if (tag->name == "adkim" || tag->name == "aspf") {
      auto& strict = tag->name == "adkim" ? record_.strict_dkim : record_.strict_spf;
      if (value == "s" || value == "r") strict = value == "s";
      if (value != "s" && value != "r") problem(part, "must be r or s");
    } else if (tag->name == "psd") {
      if (value == "y" || value == "n" || value == "u") record_.psd = value[0];
      if (value != "y" && value != "n" && value != "u") problem(part, "must be y, n or u");
    } else if (tag->name == "t") {
      record_.testing = value == "y";
      if (value != "y" && value != "n") problem(part, "must be y or n");
    } else if (tag->name == "rua" || tag->name == "ruf") {
      auto& uris = tag->name == "rua" ? record_.rua : record_.ruf;
      for (const auto& uri : read_uris(tag->value)) address(uri, uris);
    } else if (tag->name == "pct") {
      percentage(part, value);
    } else if (tag->name == "rf" || tag->name == "ri") {
      problem(part, "was removed by RFC 9989");
    }
  }

  void policy(const Tag& tag, const std::string& value) {
    const auto policy = read_policy(value);
    (tag.name == "p" ? record_.p : tag.name == "sp" ? record_.sp : record_.np) = policy;
    if (policy) return;
    record_.policy_broken = true;
    problem(tag.name + "=" + std::string(tag.value), "is not none, quarantine or reject");
  }

  void address(const std::string& uri, std::vector<std::string>& uris) {
    if (uri.find(':') == std::string::npos) return problem(uri, "is no URI");
    if (uri.find('!') != std::string::npos)
      problem(uri, "has a size limit, which RFC 9990 removed");
    uris.push_back(uri);
  }

  void percentage(std::string_view part, const std::string& value) {
    int pct = 0;
    const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), pct);
    if (ec != std::errc() || end != value.data() + value.size() || pct < 0 || pct > 100)
      return problem(part, "must be 0 to 100");
    record_.pct = pct;
    problem(part, "was removed by RFC 9989: receivers that follow it apply the policy to all mail");
  }

  void problem(std::string_view what, const std::string& why) {
    record_.problems.push_back("\"" + escape_line(what) + "\" " + why);
  }

  DmarcRecord record_;
  std::set<std::string> seen_;
};

}  // namespace

std::string_view to_string(DmarcPolicy policy) {
  switch (policy) {
    case DmarcPolicy::none:
      return "none";
    case DmarcPolicy::quarantine:
      return "quarantine";
    case DmarcPolicy::reject:
      break;
  }
  return "reject";
}

bool is_dmarc(std::string_view text) {
  const auto tag = read_tag(text.substr(0, text.find(';')));
  return tag && tag->name == "v" && tag->value == "DMARC1" && !text.starts_with(' ') &&
         !text.starts_with('\t');
}

std::optional<DmarcRecord> parse_dmarc(std::string_view text) {
  if (!is_dmarc(text)) return std::nullopt;
  return Reader().read(text);
}

}  // namespace mxferry::dns
