// SPDX-License-Identifier: Apache-2.0
#include "pipeline/survey.hpp"

#include <algorithm>
#include <utility>

#include "plan/compute_spf.hpp"
#include "protocol/dns/mta_sts.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::pipeline {
namespace {

void add_unique(std::vector<std::string>& to, const std::vector<std::string>& from) {
  for (const auto& item : from)
    if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
}

// What SPF needs of DNS, from the servers that say it: no resolver learns by our questions that a
// name does not exist.
class EyesLookups final : public dns::Lookups {
 public:
  EyesLookups(DnsEyes& eyes, std::stop_token stop) : eyes_(eyes), stop_(std::move(stop)) {}

  dns::Answer ask(const dns::Question& question) override {
    dns::Answer out;
    dns::Question next = question;
    for (int aliases = 0; aliases <= kAliases; ++aliases) {
      auto seen = eyes_.lookup(next, stop_);
      if (!seen || seen->kind == dns::Seen::Kind::unknown) {
        out.why = seen ? seen->why : seen.error().message();
        return out;
      }
      if (seen->kind == dns::Seen::Kind::present && seen->rdata.empty()) {
        next.name = seen->alias;
        continue;
      }
      using Kind = dns::Answer::Kind;
      out.kind = seen->kind == dns::Seen::Kind::present
                     ? Kind::found
                     : (seen->nxdomain ? Kind::no_name : Kind::nothing);
      out.rdata = std::move(seen->rdata);
      return out;
    }
    out.why = "a chain of more than 8 aliases";
    return out;
  }

 private:
  static constexpr int kAliases = 8;
  DnsEyes& eyes_;
  std::stop_token stop_;
};

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
  EyesLookups asked(eyes, stop);
  dns::RememberedLookups lookups(asked);
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
    plan::look_up_spf(domain, zone.snapshot, lookups);
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
  facts.answers = lookups.answers();
  return facts;
}

}  // namespace mxferry::pipeline
