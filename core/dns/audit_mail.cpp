// SPDX-License-Identifier: Apache-2.0
// The audit of what receives mail and what proves it on its way: MX, DANE, MTA-STS, TLS-RPT, CAA,
// and the records that clients look for.
#include <algorithm>
#include <sstream>

#include "base/escape.hpp"
#include "dns/audit_parts.hpp"
#include "net/public_address.hpp"
#include "protocol/dns/ip_address.hpp"
#include "protocol/dns/mta_sts.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::dns {
namespace {

bool is_host_name(const std::string& name) {
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos &&
         !parse_ip(name.substr(0, name.size() - 1));
}

void audit_exchange(AuditState& state, const std::string& host) {
  if (!is_host_name(host))
    state.find("MX-01", Severity::block, "the MX host " + shown(host) + " is no host name",
               "Name a host of letters, digits and hyphens; an address is none.", shown(host));
  const auto alias = state.lookups.ask({host, "CNAME"});
  if (alias.kind == Answer::Kind::found)
    state.find("MX-02", Severity::block,
               "the MX host " + shown(host) + " is an alias of " + shown(alias.rdata.front()),
               "Name the host that the CNAME points to (RFC 2181 §10.3).", shown(host));
  const auto addresses = state.addresses("MX-03", host);
  if (!addresses) return;
  if (addresses->empty())
    return state.find("MX-03", Severity::block, "the MX host " + shown(host) + " has no address",
                      "Give it an A record.", shown(host));
  for (const auto& address : *addresses)
    if (!state.request.allow_loopback && !net::is_public_address(address))
      state.find("MX-03", Severity::block,
                 "the MX host " + shown(host) + " has the address " + address +
                     ", which no sender on the public net can reach",
                 "Give it a public address; in a lab, --allow-loopback.", shown(host));
  const bool v4 = std::any_of(addresses->begin(), addresses->end(), [](const std::string& address) {
    const auto ip = parse_ip(address);
    return ip && ip->is_v4();
  });
  if (!v4)
    state.find("MX-03", Severity::warning, "the MX host " + shown(host) + " has IPv6 only",
               "Add an A record: many senders have no IPv6.", shown(host));
  const auto tlsa = state.lookups.ask({"_25._tcp." + host, "TLSA"});
  if (tlsa.kind == Answer::Kind::found && !tlsa.authentic)
    state.find(
        "DA-01", Severity::info,
        shown(host) + " has TLSA records, and the resolver does not say that they are secure",
        "Ask a validating resolver (--resolver); without DNSSEC senders pass TLSA over.",
        shown(host));
  if (tlsa.kind == Answer::Kind::failed) state.unknown("DA-01", {"_25._tcp." + host, "TLSA"}, tlsa);
}

void audit_sts_policy(AuditState& state) {
  const std::string host = "mta-sts." + state.request.domain;
  const auto addresses = state.addresses("ST-01", host);
  if (!addresses || !state.request.fetch_policy) return;
  const auto body = state.request.fetch_policy(*addresses);
  const auto policy = body ? parse_sts_policy(*body) : Result<StsPolicy>(fail(body.error()));
  if (!policy)
    return state.find("ST-01", Severity::block,
                      "the MTA-STS policy cannot be had: " + policy.error().message(),
                      "Serve it as text/plain by HTTPS under a certificate for " + shown(host) +
                          ", without a redirect.");
  state.out.sts_policy = *body;
  for (const auto& exchange : state.exchanges)
    if (!sts_lists(*policy, exchange))
      state.find("ST-04", policy->mode == StsMode::enforce ? Severity::block : Severity::warning,
                 "the MTA-STS policy (" + to_string(policy->mode) + ") does not list the MX host " +
                     shown(exchange),
                 "Add it to the policy and change the id at _mta-sts.", shown(exchange));
  if (policy->mode != StsMode::enforce)
    state.find("ST-01", Severity::info, "the MTA-STS policy is in mode " + to_string(policy->mode),
               "Go to enforce when reports show no failures.");
}

// RFC 8659 §3: the CAA set of the name or of the nearest name above.
void audit_caa(AuditState& state, const std::string& host) {
  for (std::string name = host; name != "."; name = parent_of(name)) {
    const auto answer = state.lookups.ask({name, "CAA"});
    if (answer.kind == Answer::Kind::failed) return state.unknown("CA-01", {name, "CAA"}, answer);
    if (answer.kind != Answer::Kind::found) continue;
    std::string list;
    for (const auto& rdata : answer.rdata) list += (list.empty() ? "" : ", ") + rdata;
    return state.find(
        "CA-01", Severity::info,
        "CAA of " + shown(name) + " says who may certify " + shown(host) + ": " + escape_line(list),
        "Make sure that the authority that certifies it is among them.");
  }
}

bool is_tls_rpt(std::string_view text) {
  return text == "v=TLSRPTv1" || text.starts_with("v=TLSRPTv1;");
}

// One SRV name; `port`: the one that clients expect.
void audit_srv(AuditState& state, const std::string& service) {
  const std::string name = service + "." + state.request.domain;
  const auto answer = state.lookups.ask({name, "SRV"});
  if (answer.kind == Answer::Kind::failed) return state.unknown("CL-01", {name, "SRV"}, answer);
  for (const auto& rdata : answer.rdata) {
    std::istringstream words(rdata);
    std::string priority;
    std::string weight;
    std::string port;
    std::string target;
    words >> priority >> weight >> port >> target;
    if (target == ".") continue;  // RFC 6186 §3.4: not offered
    if (state.lookups.ask({target, "CNAME"}).kind == Answer::Kind::found)
      state.find("CL-01", Severity::warning,
                 shown(name) + " names " + shown(target) + ", which is an alias",
                 "Name the host itself (RFC 2782).", shown(name));
    const auto addresses = state.addresses("CL-01", target);
    if (addresses && addresses->empty())
      state.find("CL-01", Severity::warning,
                 shown(name) + " names " + shown(target) + ", which has no address",
                 "Mend the target, or take the record out.", shown(name));
  }
}

}  // namespace

void audit_mx(AuditState& state) {
  const auto& domain = state.request.domain;
  const auto alias = state.lookups.ask({domain, "CNAME"});
  if (alias.kind == Answer::Kind::found)
    state.find("MX-11", Severity::block, "the domain is an alias of " + shown(alias.rdata.front()),
               "Replace the CNAME by address records: a name with a CNAME has no MX of its own.");
  const auto answer = state.lookups.ask({domain, "MX"});
  if (answer.kind != Answer::Kind::found)
    return state.find("MX-05", Severity::warning,
                      "the domain has no MX: senders use its address, often a web server",
                      "Publish MX records, or \"0 .\" if it takes no mail (RFC 7505).");
  std::vector<Mx> all;
  for (const auto& rdata : answer.rdata)
    if (auto mx = parse_mx(rdata)) all.push_back(*std::move(mx));
  std::stable_sort(all.begin(), all.end(), [](const Mx& one, const Mx& other) {
    return one.preference < other.preference;
  });
  bool null = false;
  for (const auto& mx : all) {
    state.out.mx.push_back(std::to_string(mx.preference) + " " + mx.exchange);
    null = null || mx.exchange == ".";
  }
  if (null && (all.size() > 1 || all.front().preference != 0))
    state.find("MX-04", Severity::block,
               "a null MX stands beside others, or with a preference other than 0",
               "\"0 .\" stands alone (RFC 7505 §3).");
  if (null && all.size() == 1)
    state.find("MX-04", Severity::info, "the domain takes no mail (null MX)", "");
  for (const auto& mx : all) {
    if (mx.exchange == ".") continue;
    state.exchanges.push_back(mx.exchange);
    audit_exchange(state, mx.exchange);
  }
}

void audit_transport(AuditState& state) {
  const auto& domain = state.request.domain;
  const auto records = state.texts("ST-01", "_mta-sts." + domain, is_sts_record);
  if (records && records->empty())
    state.find("ST-01", Severity::info, "there is no MTA-STS record",
               "Publish a policy, first in mode testing (RFC 8461).");
  if (records && records->size() > 1)
    state.find("ST-01", Severity::block, "there are several MTA-STS records: they count as none",
               "Leave one (RFC 8461 §3.1).");
  if (records && records->size() == 1) {
    if (const auto id = sts_record_id(records->front()); !id)
      state.find("ST-01", Severity::block, "the MTA-STS record has no id: " + id.error().message(),
                 "Write \"v=STSv1; id=\" and 1 to 32 letters and digits.");
    audit_sts_policy(state);
    audit_caa(state, "mta-sts." + domain);
  }
  const auto reports = state.texts("TR-01", "_smtp._tls." + domain, is_tls_rpt);
  if (reports && reports->empty())
    state.find("TR-01", Severity::info, "nobody is told when TLS to the domain fails",
               "Publish \"v=TLSRPTv1; rua=mailto:...\" at _smtp._tls (RFC 8460).");
  if (reports && reports->size() > 1)
    state.find("TR-01", Severity::warning, "there are several TLS-RPT records: they count as none",
               "Leave one (RFC 8460 §3).");
  if (reports && reports->size() == 1 && reports->front().find("rua=") == std::string::npos)
    state.find("TR-01", Severity::warning, "the TLS-RPT record has no rua",
               "Add \"rua=mailto:ADDRESS\" (RFC 8460 §3).");
}

void audit_clients(AuditState& state) {
  for (const char* service :
       {"_imaps._tcp", "_imap._tcp", "_pop3s._tcp", "_pop3._tcp", "_submissions._tcp",
        "_submission._tcp", "_autodiscover._tcp", "_jmap._tcp"})
    audit_srv(state, service);
  for (const char* label : {"autodiscover.", "autoconfig."}) {
    const std::string name = label + state.request.domain;
    const auto alias = state.lookups.ask({name, "CNAME"});
    if (alias.kind != Answer::Kind::found) continue;
    const auto addresses = state.addresses("CL-02", name);
    if (addresses && addresses->empty())
      state.find(
          "CL-02", Severity::warning,
          shown(name) + " is an alias of " + shown(alias.rdata.front()) + ", which has no address",
          "Point it at the provider's host, or take it out.", shown(name));
  }
}

}  // namespace mxferry::dns
