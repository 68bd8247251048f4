// SPDX-License-Identifier: Apache-2.0
#include "plan/addresses.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "plan/accept.hpp"
#include "protocol/imap/flags.hpp"
#include "protocol/mime/address_list.hpp"
#include "protocol/mime/header_fields.hpp"

namespace mxferry::plan {
namespace {

constexpr std::array<std::string_view, 5> kHeaders{"Delivered-To", "X-Original-To", "Envelope-To",
                                                   "To", "Cc"};

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

std::string domain_of(const std::string& address) {
  const auto at = address.rfind('@');
  return at == std::string::npos ? std::string() : address.substr(at + 1);
}

// The addresses that the plan serves, lower case.
std::set<std::string> served(const config::PlanFile& file) {
  std::set<std::string> out;
  for (const auto& box : file.mailboxes) {
    out.insert(lower(box.dest));
    for (const auto& alias : box.aliases) out.insert(lower(alias));
    // A source login is an address of the mailbox where it looks like one.
    if (box.source.find('@') != std::string::npos) out.insert(lower(box.source));
  }
  for (const auto& ignored : file.addresses_ignore) out.insert(ignored.address);
  return out;
}

// "anna+tag@x" -> "anna@x"
std::string without_tag(const std::string& address) {
  const auto at = address.rfind('@');
  const auto plus = address.find('+');
  if (at == std::string::npos || plus == 0 || plus == std::string::npos || plus > at)
    return address;
  return address.substr(0, plus) + address.substr(at);
}

bool is_served(const std::set<std::string>& known, const std::string& address) {
  return known.contains(address) || known.contains(without_tag(address));
}

std::string counted(const AddressSeen& seen) {
  std::string out = std::to_string(seen.messages) + (seen.messages == 1 ? " message" : " messages");
  std::string list;
  for (const auto header : kHeaders) {
    const auto it = seen.by_header.find(std::string(header));
    if (it == seen.by_header.end()) continue;
    list += (list.empty() ? "" : ", ") + it->first + " " + std::to_string(it->second);
  }
  return out + " (" + list + ")";
}

}  // namespace

std::vector<std::string> domain_names(const config::PlanFile& file) {
  std::vector<std::string> out;
  for (const auto& domain : file.domains) out.push_back(domain.name);
  return out;
}

void count_addresses(std::string_view header, const std::vector<std::string>& domains,
                     SeenAddresses& into) {
  ++into.messages;
  std::set<std::pair<std::string, std::string_view>> met;  // (address, header)
  mime::each_field(header, [&](std::string_view field) {
    const auto colon = field.find(':');
    if (colon == std::string_view::npos) return true;
    auto name = field.substr(0, colon);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
    for (const auto known : kHeaders) {
      if (!imap::equals_ignoring_case(name, known)) continue;
      for (const auto& address : mime::parse_addresses(field.substr(colon + 1))) {
        if (std::find(domains.begin(), domains.end(), address.domain) == domains.end()) continue;
        met.emplace(lower(address.local) + "@" + address.domain, known);
      }
    }
    return true;
  });
  std::string last;
  for (const auto& [address, name] : met) {
    if (!into.seen.contains(address) && into.seen.size() >= kMostSeenAddresses) {
      into.cut = true;
      continue;
    }
    auto& seen = into.seen[address];
    if (address != last) ++seen.messages;
    ++seen.by_header[std::string(name)];
    last = address;
  }
}

void add(SeenAddresses& into, const SeenAddresses& more) {
  into.messages += more.messages;
  into.cut = into.cut || more.cut;
  for (const auto& [address, seen] : more.seen) {
    auto& sum = into.seen[address];
    sum.messages += seen.messages;
    for (const auto& [header, n] : seen.by_header) sum.by_header[header] += n;
  }
}

bool is_served(const config::PlanFile& file, const std::string& address) {
  return is_served(served(file), lower(address));
}

std::vector<Finding> judge_addresses(const config::PlanFile& file, const SeenAddresses& seen) {
  std::vector<std::pair<std::string, AddressSeen>> open;
  const auto known = served(file);
  for (const auto& [address, count] : seen.seen)
    if (!is_served(known, address)) open.emplace_back(address, count);
  std::stable_sort(open.begin(), open.end(), [](const auto& a, const auto& b) {
    return a.second.messages > b.second.messages;
  });
  std::vector<Finding> out;
  for (const auto& [address, count] : open) {
    Finding finding;
    finding.id = "AD-01";
    finding.subject = address;
    finding.severity = Severity::block;
    finding.text = "mail arrives at " + address +
                   ", which the plan does not serve: " + counted(count) + "; at " +
                   domain_of(address) + "'s new MX it would be refused";
    finding.remedy =
        "put it among the aliases of a mailbox in mailboxes.csv, or give it a row there; if nobody "
        "needs it, put it into [addresses] ignore with a reason";
    out.push_back(std::move(finding));
  }
  if (seen.cut) {
    Finding finding;
    finding.id = "AD-01";
    finding.subject = file.id;
    finding.severity = Severity::block;
    finding.text = "mail arrives at more than " + std::to_string(kMostSeenAddresses) +
                   " addresses of the plan's domains; those beyond are not known";
    finding.remedy =
        "find out whether the old side takes mail for any address (AD-02), and accept "
        "\"AD-01:" +
        file.id + "\" with a reason";
    out.push_back(std::move(finding));
  }
  accept_findings(file, out);
  return out;
}

CatchAll judge_probe(int code, std::string_view words) {
  if (code == 250 || code == 251) return CatchAll::yes;
  // RFC 3463: x.7.x is policy (a block of our address, authentication), which says nothing about
  // the mailbox; x.1.x is the address.
  if (words.find("5.7.") != std::string_view::npos) return CatchAll::unknown;
  if (code == 550 || code == 551 || code == 553) return CatchAll::no;
  return CatchAll::unknown;
}

std::vector<Finding> judge_probes(const std::string& domain, const std::vector<Probe>& probes) {
  Finding finding;
  finding.id = "AD-02";
  finding.subject = domain;
  finding.severity = Severity::warning;
  for (const auto& probe : probes) {
    if (probe.verdict != CatchAll::yes) continue;
    finding.text = "the old MX " + probe.host +
                   " takes mail for an address that nobody has (a catch-all, or it bounces later): "
                   "addresses that no recent mail shows may be in use";
    finding.remedy =
        "find the catch-all's target on the old side and make one at the new provider, "
        "or accept \"AD-02\" with a reason";
    return {finding};
  }
  for (const auto& probe : probes) {
    if (probe.verdict != CatchAll::unknown) continue;
    finding.text = "whether the old MX " + probe.host +
                   " has a catch-all could not be found out: " + probe.words;
    finding.remedy =
        "look it up on the old side (or run where port 25 is open), then accept "
        "\"AD-02\" with what you found";
    return {finding};
  }
  return {};
}

}  // namespace mxferry::plan
