// SPDX-License-Identifier: Apache-2.0
#include "plan/old_hosts.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

#include "protocol/dns/ip_address.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf.hpp"

namespace mxferry::plan {
namespace {

std::string without_dot(const std::string& name) {
  return name.size() > 1 && name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

// "192.0.2.0/24" holds "192.0.2.1" (RFC 7208 §5.6). A range that covers half the net says nothing
// about this host: only /16 and longer (IPv6: /32) count as naming it.
bool range_names(const dns::SpfTerm& range, const std::string& address) {
  const auto net = dns::parse_ip(range.value);
  const auto host = dns::parse_ip(address);
  if (!net || !host) return false;
  const int bits = net->is_v4() ? 32 : 128;
  const int prefix = (net->is_v4() ? range.prefix4 : range.prefix6).value_or(bits);
  return prefix >= bits / 2 && dns::same_network(*net, *host, prefix);
}

class Search {
 public:
  Search(const ZoneSnapshot& zone, const DomainPlan& domain, const OldSide& old_side)
      : zone_(zone), apex_(domain.name + ".") {
    for (const auto& [host, addresses] : old_side.hosts) {
      names_.insert(host);
      addresses_.insert(addresses.begin(), addresses.end());
    }
    for (const auto& [host, why] : old_side.unknown) names_.insert(host);
    // Names of this zone that stand for the old side: by address, by alias, by alias of an alias.
    for (bool grown = true; grown;) {
      grown = false;
      for (const auto& set : zone.rrsets) {
        if (set.type != "A" && set.type != "AAAA" && set.type != "CNAME") continue;
        if (set.name != apex_ && !names_.contains(set.name) && named_by(set))
          grown = names_.insert(set.name).second;
      }
    }
  }

  /// The old host or address that the set's data names.
  std::optional<std::string> named_by(const ZoneRRset& set) const {
    for (const auto& record : set.records) {
      if (set.type == "TXT" || set.type == "SPF") {
        if (const auto found = in_spf(set, record.rdata)) return found;
        continue;
      }
      if (set.type == "NS" || set.type == "SOA" || set.type == "RRSIG" || set.type == "NSEC")
        continue;
      std::istringstream words(record.rdata);
      for (std::string word; words >> word;)
        if (addresses_.contains(word) || names_.contains(word)) return without_dot(word);
    }
    return std::nullopt;
  }

 private:
  std::optional<std::string> in_spf(const ZoneRRset& set, const std::string& rdata) const {
    const auto text = dns::txt_text(rdata);
    if (!text || !dns::is_spf(*text)) return std::nullopt;
    const auto record = dns::parse_spf(*text);
    if (!record) return std::nullopt;
    for (const auto& term : record->terms) {
      if (term.mechanism == "ip4" || term.mechanism == "ip6") {
        for (const auto& address : addresses_)
          if (range_names(term, address)) return address;
      }
      if (term.mechanism != "a" && term.mechanism != "mx") continue;
      const auto name =
          term.value.empty() ? Result<std::string>(set.name) : dns::canonical_name(term.value);
      if (!name) continue;
      if (term.mechanism == "a" && names_.contains(*name)) return without_dot(*name);
      const auto* mx = term.mechanism == "mx" ? zone_.find(*name, "MX") : nullptr;
      // The apex MX is what the flip changes; a record that follows it moves with it.
      if (mx != nullptr && *name != apex_)
        if (const auto found = named_by(*mx)) return found;
    }
    return std::nullopt;
  }

  const ZoneSnapshot& zone_;
  std::string apex_;
  std::set<std::string> names_;
  std::set<std::string> addresses_;
};

}  // namespace

std::vector<Finding> find_old_hosts(const ZoneSnapshot& zone, const DomainPlan& domain,
                                    const OldSide& old_side,
                                    const std::vector<std::string>& planned) {
  std::vector<Finding> out;
  const std::string apex = domain.name + ".";
  for (const auto& [host, why] : old_side.unknown)
    out.push_back({"OH-02:" + without_dot(host), domain.name, Severity::block,
                   "the addresses of the old host " + without_dot(host) +
                       " could not be read, so records that name them cannot be found: " + why,
                   "make its name resolve from here, or accept \"OH-02:" + without_dot(host) +
                       "\" with a reason",
                   ""});
  const Search search(zone, domain, old_side);
  for (const auto& set : zone.rrsets) {
    if (!dns::is_within(set.name, apex)) continue;
    const bool is_planned =
        std::find(planned.begin(), planned.end(), set.name + "/" + set.type) != planned.end();
    const bool is_apex_mx = set.name == apex && set.type == "MX";
    const bool is_apex_spf = set.name == apex && (set.type == "TXT" || set.type == "SPF");
    if (is_planned || is_apex_mx || is_apex_spf) continue;
    const auto named = search.named_by(set);
    if (!named) continue;
    const std::string key = "OH-01:" + without_dot(set.name) + "/" + set.type;
    out.push_back(
        {key, domain.name, Severity::block,
         without_dot(set.name) + " " + set.type + " names the old side (" + *named +
             ") and the plan does not change it",
         "add it to domain.client with its new data, or accept \"" + key + "\" with a reason", ""});
  }
  return out;
}

}  // namespace mxferry::plan
