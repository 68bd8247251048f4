// SPDX-License-Identifier: Apache-2.0
#include "dns/delegation.hpp"

#include <algorithm>

#include "dns/root_servers.hpp"
#include "protocol/dns/name.hpp"

namespace mxferry::dns {
namespace {

constexpr int kMaxDepth = 8;  // name servers whose own names need a walk whose name servers …
constexpr int kMaxCuts = 32;

void add_unique(std::vector<DnsServer>& to, DnsServer server) {
  if (std::find(to.begin(), to.end(), server) == to.end()) to.push_back(std::move(server));
}

}  // namespace

Walker::Walker(std::vector<DnsServer> roots, std::uint16_t port)
    : roots_(roots.empty() ? public_roots() : std::move(roots)), port_(port) {}

Result<Walker::Cut> Walker::walk(const std::string& name, int depth, std::stop_token stop) {
  if (depth > kMaxDepth)
    return fail(ErrorCode::protocol, "delegation of " + name,
                "the name servers' names depend on each other too deeply");
  Cut cut{".", {}, roots_};
  for (int i = 0; i < kMaxCuts; ++i) {
    // Any type finds the cut; NS of the name itself also finds a cut at the name.
    Question question{name, "NS"};
    std::string why = "no server answered";
    bool moved = false;
    bool settled = false;
    for (const auto& server : cut.addresses) {
      if (stop.stop_requested())
        return fail(ErrorCode::cancelled, "delegation of " + name, "stopped");
      const auto message = ask(server, question, false, false, stop);
      if (!message) {
        why = message.error().message();
        continue;
      }
      const auto rcode = static_cast<Rcode>(message->rcode);
      if (rcode != Rcode::noerror && rcode != Rcode::nxdomain) {
        why = server.name() + " answers with an error code";
        continue;
      }
      // A referral: NS below the present cut, in the authority section (or as the answer of the
      // parent itself).
      std::string child;
      std::vector<std::string> names;
      const auto collect = [&](const std::vector<Record>& section) {
        for (const auto& record : section) {
          if (record.type != "NS" || record.name == cut.zone || !is_within(record.name, cut.zone) ||
              !is_within(name, record.name))
            continue;
          if (child.empty()) child = record.name;
          if (record.name == child) names.push_back(record.rdata);
        }
      };
      collect(message->answers);
      if (child.empty()) collect(message->authority);
      if (child.empty()) {
        if (!message->authoritative) {
          why = server.name() + " is lame for " + cut.zone;
          continue;
        }
        // The name lies in this zone itself; or in one below it that this server serves too, and
        // then there was no referral: the SOA tells its name (RFC 2308 §2).
        settled = true;
        for (const auto& record : message->authority) {
          if (record.type != "SOA" || record.name == cut.zone ||
              !is_within(record.name, cut.zone) || !is_within(name, record.name)) {
            continue;
          }
          const auto own = ask_authoritative(server, record.name, {record.name, "NS"}, false, stop);
          Cut below{record.name, own.rdata, cut.addresses};
          cut = std::move(below);
          break;
        }
        break;
      }
      Cut next{child, names, {}};
      for (const auto& ns : names) {
        bool glued = false;
        for (const auto& record : message->additional) {
          // Glue counts only in bailiwick of the zone that gave it (RFC 5452 §6).
          if (record.name == ns && (record.type == "A" || record.type == "AAAA") &&
              is_within(ns, cut.zone)) {
            add_unique(next.addresses, {record.rdata, port_});
            glued = true;
          }
        }
        if (glued || is_within(ns, child)) continue;
        const auto found = resolve(ns, depth + 1, stop);
        if (!found) continue;
        for (const auto& address : *found) add_unique(next.addresses, {address, port_});
      }
      std::erase_if(next.addresses, [](const DnsServer& s) { return !net::has_route(s.address); });
      if (next.addresses.empty()) {
        why = "no name server of " + child + " has an address that can be reached";
        continue;
      }
      cut = std::move(next);
      moved = true;
      break;
    }
    if (settled) return cut;
    if (!moved)
      return fail(ErrorCode::network, "delegation of " + name,
                  "the walk stopped at " + cut.zone + ": " + why);
  }
  return fail(ErrorCode::protocol, "delegation of " + name, "more cuts than a name can have");
}

Result<Seen> Walker::look(const Question& question, int depth, std::stop_token stop) {
  MXF_TRY(cut, walk(question.name, depth, stop));
  Seen last;
  for (const auto& server : cut.addresses) {
    last = ask_authoritative(server, cut.zone, question, false, stop);
    if (last.kind != Seen::Kind::unknown) return last;
  }
  return fail(ErrorCode::network, "look up " + question.name + " " + question.type, last.why);
}

Result<Seen> Walker::lookup(const Question& question, std::stop_token stop) {
  return look(question, 0, std::move(stop));
}

Result<Seen> Walker::ds_of(const std::string& zone, std::stop_token stop) {
  MXF_TRY(cut, walk(parent_of(zone), 0, stop));
  Seen last;
  for (const auto& server : cut.addresses) {
    last = ask_authoritative(server, cut.zone, {zone, "DS"}, false, stop);
    if (last.kind != Seen::Kind::unknown) return last;
  }
  return fail(ErrorCode::network, "look up " + zone + " DS", last.why);
}

Result<std::vector<std::string>> Walker::resolve(const std::string& host, int depth,
                                                 std::stop_token stop) {
  if (const auto known = hosts_.find(host); known != hosts_.end()) return known->second;
  std::vector<std::string> out;
  std::string name = host;
  for (int hops = 0; hops < kMaxDepth; ++hops) {
    std::string alias;
    for (const char* type : {"A", "AAAA"}) {
      MXF_TRY(seen, look({name, type}, depth, stop));
      if (seen.kind != Seen::Kind::present) continue;
      if (seen.rdata.empty())
        alias = seen.alias;
      else
        out.insert(out.end(), seen.rdata.begin(), seen.rdata.end());
    }
    if (!out.empty() || alias.empty()) break;
    name = alias;
  }
  hosts_[host] = out;
  return out;
}

Result<std::vector<std::string>> Walker::addresses_of(const std::string& host,
                                                      std::stop_token stop) {
  return resolve(host, 0, std::move(stop));
}

Result<Delegation> Walker::zone_of(const std::string& name, std::stop_token stop) {
  MXF_TRY(cut, walk(name, 0, stop));
  Delegation out;
  out.zone = cut.zone;
  std::map<std::string, NameServer> servers;
  for (const auto& ns : cut.names) {
    servers[ns].name = ns;
    servers[ns].at_parent = true;
  }
  // The zone's own idea of its servers, from each that the parent names.
  bool child_answered = false;
  for (const auto& server : cut.addresses) {
    const auto seen = ask_authoritative(server, cut.zone, {cut.zone, "NS"}, false, stop);
    if (seen.kind != Seen::Kind::present) continue;
    child_answered = true;
    for (const auto& ns : seen.rdata) {
      servers[ns].name = ns;
      servers[ns].at_child = true;
    }
  }
  if (!child_answered) out.problems.push_back("no name server of " + cut.zone + " answers for it");
  for (auto& [ns, server] : servers) {
    if (child_answered && server.at_parent != server.at_child)
      out.problems.push_back(ns + " is named by the " +
                             (server.at_parent ? "parent" : "zone itself") + " only");
    const auto addresses = resolve(ns, 1, stop);
    if (!addresses) {
      out.problems.push_back(ns + ": " + addresses.error().message());
    } else {
      for (const auto& address : *addresses) {
        if (net::has_route(address))
          server.addresses.push_back({address, port_});
        else
          server.unroutable.push_back(address);
      }
      if (addresses->empty()) out.problems.push_back(ns + " has no address");
    }
    out.servers.push_back(server);
  }
  return out;
}

}  // namespace mxferry::dns
