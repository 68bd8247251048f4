// SPDX-License-Identifier: Apache-2.0
#include "pipeline/survey.hpp"

#include <algorithm>

#include "protocol/dns/mta_sts.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::pipeline {
namespace {

void add_unique(std::vector<std::string>& to, const std::vector<std::string>& from) {
  for (const auto& item : from)
    if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
}

// The addresses that `a` and `mx` of the record mean now (RFC 7208 §5.3, §5.4), so that the overlap
// can name them.
Result<std::vector<dns::SpfExpansion>> expand(const std::string& domain, const std::string& record,
                                              DnsEyes& eyes, std::stop_token stop,
                                              const ZoneSnapshot& zone) {
  std::vector<dns::SpfExpansion> out;
  MXF_TRY(spf, dns::parse_spf(record));
  for (const auto& term : spf.terms) {
    if (term.mechanism != "a" && term.mechanism != "mx") continue;
    const bool own = term.value.empty();
    MXF_TRY(name, dns::canonical_name(own ? domain : term.value));
    if (!own && !dns::is_within(name, zone.zone))
      continue;  // a name outside stays a name: our change does not move it
    dns::SpfExpansion expansion;
    expansion.mechanism = own ? term.mechanism : term.mechanism + ":" + term.value;
    std::vector<std::string> hosts;
    if (term.mechanism == "a") {
      hosts.push_back(name);
    } else if (const auto* mx = zone.find(name, "MX")) {
      for (const auto& item : mx->records) {
        MXF_TRY(parsed, dns::parse_mx(item.rdata));
        hosts.push_back(parsed.exchange);
      }
    }
    for (const auto& host : hosts) {
      MXF_TRY(addresses, eyes.addresses(host, stop));
      add_unique(expansion.addresses, addresses);
    }
    if (!expansion.addresses.empty()) out.push_back(std::move(expansion));
  }
  return out;
}

}  // namespace

namespace {

// Who the old side is: the MX hosts of today and the source's IMAP host, with their addresses.
plan::OldSide old_side_of(const config::PlanFile& file, const ZoneSnapshot& zone,
                          const std::string& apex, DnsEyes& eyes, std::stop_token stop) {
  plan::OldSide out;
  std::vector<std::string> hosts;
  if (const auto* mx = zone.find(apex, "MX"))
    for (const auto& record : mx->records)
      if (const auto parsed = dns::parse_mx(record.rdata); parsed && parsed->exchange != ".")
        hosts.push_back(parsed->exchange);
  auto endpoint = file.source.endpoint;
  if (const auto at = endpoint.find("://"); at != std::string::npos) endpoint.erase(0, at + 3);
  endpoint = endpoint.substr(0, endpoint.find_first_of(":/"));
  if (const auto name = dns::canonical_name(endpoint); name && !endpoint.empty())
    hosts.push_back(*name);
  for (const auto& host : hosts) {
    auto& addresses = out.hosts[host];
    if (!file.source.address.empty() && host == hosts.back())
      addresses.push_back(file.source.address);
    const auto found = eyes.addresses(host, stop);
    if (found)
      add_unique(addresses, *found);
    else
      out.unknown[host] = found.error().text;
  }
  return out;
}

}  // namespace

Result<plan::Facts> survey(const config::PlanFile& file, std::map<std::string, DnsApi*>& dns,
                           DnsEyes& eyes, const ReadPolicy& fetch, std::stop_token stop) {
  plan::Facts facts;
  for (const auto& domain : file.domains) {
    const auto api = dns.find(domain.dns.zone);
    if (api == dns.end())
      return fail(ErrorCode::internal, "survey", "no DNS API for " + domain.dns.zone);
    auto& zone = facts.zones[domain.dns.zone];
    if (zone.snapshot.zone.empty()) {
      MXF_TRY(snapshot, api->second->list_records(domain.dns.zone, stop));
      zone.snapshot = std::move(snapshot);
      zone.snapshot.zone = domain.dns.zone;
      MXF_TRY(info, api->second->describe_zone(domain.dns.zone, stop));
      zone.min_ttl = std::max(info.min_ttl, api->second->traits().min_ttl);
    }
    MXF_TRY(apex, dns::canonical_name(domain.name));
    if (const auto* txt = zone.snapshot.find(apex, "TXT")) {
      for (const auto& record : txt->records) {
        MXF_TRY(text, dns::txt_text(record.rdata));
        if (!dns::is_spf(text)) continue;
        MXF_TRY(expansions, expand(domain.name, text, eyes, stop, zone.snapshot));
        for (auto& e : expansions) zone.spf_addresses.push_back(std::move(e));
      }
    }
    zone.old_side[domain.name] = old_side_of(file, zone.snapshot, apex, eyes, stop);
    plan::StsFacts sts;
    if (const auto* txt = zone.snapshot.find("_mta-sts." + apex, "TXT"))
      for (const auto& record : txt->records)
        if (const auto text = dns::txt_text(record.rdata); text && dns::is_sts_record(*text))
          sts.records.push_back(record.rdata);
    for (const auto* type : {"A", "AAAA", "CNAME"})
      sts.policy_host = sts.policy_host || zone.snapshot.find("mta-sts." + apex, type) != nullptr;
    if (!sts.records.empty()) {
      const auto body = fetch(domain.name, stop);
      if (body)
        sts.policy = *body;
      else
        sts.problem = body.error().message();
    }
    if (!sts.records.empty() || sts.policy_host) zone.sts[domain.name] = std::move(sts);
  }
  return facts;
}

}  // namespace mxferry::pipeline
