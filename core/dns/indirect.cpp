// SPDX-License-Identifier: Apache-2.0
#include "dns/indirect.hpp"

#include <algorithm>

#include "dns/at_once.hpp"
#include "net/http.hpp"

namespace mxferry::dns {
namespace {

// Where a resolver is reached, for people; it is not asked by this.
DnsServer place_of(const net::DohServer& resolver) {
  const auto target = net::parse_http_url(resolver.url);
  return target ? DnsServer{target->host, target->port} : DnsServer{};
}

}  // namespace

Result<Delegation> indirect_delegation(const std::string& zone, const DohServers& resolvers,
                                       std::stop_token stop) {
  Delegation out;
  out.zone = zone;
  for (const auto& view : indirect_round(resolvers, {{zone, "NS"}}, std::move(stop)).views) {
    if (view.seen.kind == Seen::Kind::unknown)
      return fail(ErrorCode::network, "name servers of " + zone,
                  view.server + ": " + view.seen.why);
    if (view.seen.kind == Seen::Kind::absent || !view.seen.alias.empty())
      return fail(ErrorCode::not_found, "name servers of " + zone,
                  "it is no zone of its own, says " + view.server);
    NameServer server;
    server.name = view.server;
    server.addresses.push_back(view.address);
    server.at_parent = server.at_child = true;
    out.servers.push_back(std::move(server));
  }
  return out;
}

Round indirect_round(const DohServers& resolvers, const std::vector<Question>& questions,
                     std::stop_token stop) {
  Round round;
  std::vector<const net::DohServer*> asked;
  for (const auto& resolver : resolvers)
    for (const auto& question : questions) {
      round.views.push_back({resolver.url, place_of(resolver), question, {}});
      asked.push_back(&resolver);
    }
  at_once(asked.size(), [&](std::size_t i) {
    round.views[i].seen = ask_resolver(*asked[i], round.views[i].question, stop);
  });
  return round;
}

Result<Soa> indirect_soa(const std::string& zone, const DohServers& resolvers,
                         std::stop_token stop) {
  Soa out;
  for (const auto& view : indirect_round(resolvers, {{zone, "SOA"}}, std::move(stop)).views) {
    const auto soa = view.seen.rdata.empty() ? std::nullopt : parse_soa(view.seen.rdata.front());
    if (!soa)
      return fail(ErrorCode::network, "SOA of " + zone,
                  view.server + (view.seen.why.empty() ? " gives none" : ": " + view.seen.why));
    out.refresh = std::max(out.refresh, soa->refresh);
    out.retry = std::max(out.retry, soa->retry);
    out.minimum = std::max(out.minimum, soa->minimum);
  }
  return out;
}

Millis publication_bound(const Soa& soa, Millis publish_delay) {
  return publish_delay + std::chrono::seconds(soa.refresh) + std::chrono::seconds(soa.retry);
}

}  // namespace mxferry::dns
