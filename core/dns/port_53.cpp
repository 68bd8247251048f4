// SPDX-License-Identifier: Apache-2.0
#include "dns/port_53.hpp"

#include <algorithm>
#include <set>

#include "dns/at_once.hpp"
#include "dns/authoritative.hpp"
#include "dns/delegation.hpp"
#include "dns/root_servers.hpp"

namespace mxferry::dns {
namespace {

constexpr std::size_t kRootsAsked = 3;

}  // namespace

Assertion port_53_is_open(const std::vector<DnsServer>& roots, std::stop_token stop) {
  const bool is_public = roots.empty();
  const auto& all = is_public ? public_roots() : roots;
  const auto servers = std::min(all.size(), kRootsAsked);
  // Why each gave no answer that counts, over UDP, then over TCP; empty: it did.
  std::vector<std::string> why(servers * 2);
  at_once(why.size(), [&](std::size_t i) {
    const auto answer = ask(all[i % servers], {".", "SOA"}, false, i >= servers, stop);
    if (!answer)
      why[i] = answer.error().text;
    else if (is_public && !answer->authoritative)
      why[i] = "somebody answers in its place";
  });
  for (const bool tcp : {false, true}) {
    const auto first = why.begin() + static_cast<std::ptrdiff_t>(tcp ? servers : 0);
    const auto last = first + static_cast<std::ptrdiff_t>(servers);
    if (std::any_of(first, last, [](const auto& one) { return one.empty(); })) continue;
    return Assertion::fail(
        "no root server answers over " + std::string(tcp ? "TCP" : "UDP") + " port 53 (" +
            all.front().name() + ": " + *first + ")",
        "let UDP and TCP port 53 out to any address, or ask resolvers over HTTPS (--doh)");
  }
  return Assertion::pass("the root servers answer over UDP and TCP");
}

Assertion compare_name_servers(const std::string& zone, const std::vector<std::string>& walked,
                               const std::vector<Seen>& resolved) {
  std::set<std::string> outside;
  for (const auto& seen : resolved)
    if (seen.kind == Seen::Kind::present) outside.insert(seen.rdata.begin(), seen.rdata.end());
  if (outside.empty())
    return Assertion::unknown("no resolver over HTTPS gives the name servers of " + zone);
  const bool common = std::any_of(walked.begin(), walked.end(),
                                  [&](const auto& name) { return outside.contains(name); });
  if (common) return Assertion::pass("what is asked here is what the world asks");
  return Assertion::fail("the name servers of " + zone + " that are found from here (" +
                             data_text(walked) + ") are not those of the world (" +
                             data_text({outside.begin(), outside.end()}) + ")",
                         "ask from outside of this network, or resolvers over HTTPS (--doh)");
}

Assertion zone_is_the_worlds(const std::string& zone, const std::vector<DnsServer>& roots,
                             const std::vector<net::DohServer>& resolvers, std::stop_token stop) {
  std::vector<Seen> resolved(resolvers.size());
  at_once(resolvers.size(), [&](std::size_t i) {
    resolved[i] = ask_resolver(resolvers[i], {zone, "NS"}, stop);
  });
  const auto delegation = Walker(roots).zone_of(zone, stop);
  if (!delegation) return Assertion::fail(delegation.error().message(), "");
  std::vector<std::string> walked;
  for (const auto& server : delegation->servers) walked.push_back(server.name);
  return compare_name_servers(zone, walked, resolved);
}

}  // namespace mxferry::dns
