// SPDX-License-Identifier: Apache-2.0
#include "dns/audit.hpp"

#include <algorithm>
#include <future>

#include "base/escape.hpp"
#include "dns/audit_parts.hpp"
#include "net/dns_exchange.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/rrsig.hpp"

namespace mxferry::dns {
namespace {

constexpr std::chrono::milliseconds kPatience{500};  // with a name server; a second try takes twice

// The zone that holds the domain, and its name servers' names.
std::vector<std::string> find_zone(AuditState& state) {
  for (std::string zone = state.request.domain; zone != "."; zone = parent_of(zone)) {
    const auto answer = state.lookups.ask({zone, "NS"});
    if (answer.kind == Answer::Kind::failed) {
      state.unknown("MX-12", {zone, "NS"}, answer);
      return {};
    }
    if (answer.kind != Answer::Kind::found) continue;
    state.out.zone = zone;
    return answer.rdata;
  }
  return {};
}

// One name server's own view of the zone, at one of its addresses.
struct View {
  std::string server;
  DnsServer address;
  std::string serial{};
  std::vector<std::string> mx{};
  std::string problem{};  // why there is no view
};

View look(std::string server, DnsServer address, const std::string& zone, const std::string& domain,
          std::stop_token stop) {
  View view{std::move(server), std::move(address)};
  const auto seen = [&](const Question& question) {
    const auto message = ask(view.address, question, false, false, stop, false, kPatience);
    if (message) return judge(*message, question, zone);
    Seen out;
    out.why = message.error().text;
    return out;
  };
  const auto soa = seen({zone, "SOA"});
  if (soa.kind != Seen::Kind::present || soa.rdata.empty()) {
    view.problem = soa.why.empty() ? "it has no SOA" : soa.why;
    return view;
  }
  const auto& data = soa.rdata.front();
  const auto second = data.find(' ', data.find(' ') + 1);
  view.serial = data.substr(second + 1, data.find(' ', second + 1) - second - 1);
  const auto mx = seen({domain, "MX"});
  if (mx.kind == Seen::Kind::unknown) view.problem = mx.why;
  view.mx = mx.rdata;
  return view;
}

// Every address is asked at the same time: a silent one costs its own wait only.
std::vector<View> look_at_all(AuditState& state, const std::vector<std::string>& names) {
  std::vector<std::future<View>> running;
  for (const auto& name : names) {
    const auto addresses = state.addresses("MX-12", name);
    if (addresses && addresses->empty())
      state.find("MX-12", Severity::warning, "the name server " + shown(name) + " has no address",
                 "Give it one, or take it out of the NS set.");
    for (const auto& address : addresses.value_or(std::vector<std::string>())) {
      if (!net::has_route(address)) continue;
      DnsServer server{address, state.request.authority_port};
      const std::string label = shown(name) + " (" + server.name() + ")";
      running.push_back(std::async(std::launch::async, look, label, std::move(server),
                                   state.out.zone, state.request.domain, state.stop));
    }
  }
  std::vector<View> views;
  for (auto& one : running) {
    auto view = one.get();
    if (view.problem.empty()) {
      state.authorities.push_back(view.address);
      views.push_back(std::move(view));
      continue;
    }
    state.find(
        "MX-08", Severity::warning,
        view.server + " does not answer for " + shown(state.out.zone) + ": " + view.problem,
        "Mend the name server, or take it out of the NS set at the registrar and in the zone.");
  }
  return views;
}

void compare(AuditState& state, const std::vector<View>& views) {
  for (const auto& view : views) {
    if (view.mx != views.front().mx)
      state.find("MX-08", Severity::block,
                 view.server + " serves another MX set than " + views.front().server,
                 "Look why the zone is not transferred; senders get one or the other.");
    else if (view.serial != views.front().serial)
      state.find("MX-08", Severity::warning,
                 view.server + " has serial " + view.serial + ", " + views.front().server +
                     " has " + views.front().serial,
                 "A change may be on its way. Look again when the zone's refresh time is over.");
  }
}

// RFC 4035 §5.2: without a key that a DS at the parent names, nothing of the zone validates. A DS
// whose digest nobody here computes makes no zone bogus, and proves nothing.
bool chain_breaks(AuditState& state, const std::vector<std::string>& ds) {
  const Question question{state.out.zone, "DNSKEY"};
  const auto keys = state.lookups.ask(question);
  if (keys.kind == Answer::Kind::failed) {
    state.unknown("DN-01", question, keys);
    return true;
  }
  bool computed = false;
  for (const auto& one : ds) {
    for (const auto& key : keys.rdata) {
      const auto named = ds_names(state.out.zone, one, key);
      if (named.value_or(false)) return false;
      computed = computed || named.has_value();
    }
  }
  if (!computed && !keys.rdata.empty()) return false;
  state.find("DN-01", Severity::block,
             keys.rdata.empty()
                 ? "the parent has a DS record, and the zone has no DNSKEY"
                 : "no DNSKEY of the zone is one that a DS record at the parent names",
             "Have the registrar publish the DS record of a key that the zone is signed with, or "
             "take the DS records out: validating resolvers refuse the whole zone.");
  return true;
}

}  // namespace

Answer AskedOnce::ask(const Question& question) {
  const auto found = answers_.find({question.name, question.type});
  if (found != answers_.end()) return found->second;
  return answers_[{question.name, question.type}] = lookups_.ask(question);
}

void AuditState::find(const char* id, Severity severity, std::string text, std::string remedy,
                      std::string subject) {
  Finding finding;
  finding.id = id;
  finding.severity = severity;
  finding.subject = subject.empty() ? shown(request.domain) : std::move(subject);
  finding.text = std::move(text);
  finding.remedy = std::move(remedy);
  out.findings.push_back(std::move(finding));
}

void AuditState::unknown(const char* id, const Question& question, const Answer& answer) {
  find(id, Severity::warning,
       "could not be looked at: " + shown(question.name) + " " + question.type + ": " + answer.why,
       "Look why the lookup fails; what receivers cannot look up they do not take as absent.");
}

std::optional<std::vector<std::string>> AuditState::texts(const char* id, const std::string& name,
                                                          bool (*is)(std::string_view)) {
  const auto answer = lookups.ask({name, "TXT"});
  if (answer.kind == Answer::Kind::failed) {
    unknown(id, {name, "TXT"}, answer);
    return std::nullopt;
  }
  std::vector<std::string> all;
  for (const auto& rdata : answer.rdata)
    if (auto text = txt_text(rdata); text && is(*text)) all.push_back(*std::move(text));
  return all;
}

std::optional<std::vector<std::string>> AuditState::addresses(const char* id,
                                                              const std::string& host) {
  std::vector<std::string> all;
  for (const char* type : {"A", "AAAA"}) {
    const auto answer = lookups.ask({host, type});
    if (answer.kind == Answer::Kind::failed) {
      unknown(id, {host, type}, answer);
      return std::nullopt;
    }
    all.insert(all.end(), answer.rdata.begin(), answer.rdata.end());
  }
  return all;
}

std::string shown(const std::string& name) { return escape_line(shown_name(name)); }

void audit_zone(AuditState& state) {
  const auto names = find_zone(state);
  if (state.out.zone.empty()) return;
  if (names.size() < 2)
    state.find("MX-12", Severity::info, "the zone has one name server only",
               "Add a second one, elsewhere (RFC 2182).");
  compare(state, look_at_all(state, names));
  const auto ds = state.lookups.ask({state.out.zone, "DS"});
  if (ds.kind == Answer::Kind::failed) return state.unknown("DN-01", {state.out.zone, "DS"}, ds);
  if (ds.kind == Answer::Kind::found && chain_breaks(state, ds.rdata)) return;
  const auto soa = state.lookups.ask({state.out.zone, "SOA"});
  if (ds.kind == Answer::Kind::found && !soa.authentic)
    state.find(
        "DN-01", Severity::info,
        "the zone has a DS record, and the resolver does not say that it validates",
        "Ask a validating resolver (--resolver); a zone that does not validate gets no mail.");
  if (ds.kind != Answer::Kind::found)
    state.find("DN-01", Severity::info, "the zone is not signed",
               "Sign it if its provider can: without DNSSEC there is no DANE.");
}

Audit audit_domain(const AuditRequest& request, Lookups& resolver, std::stop_token stop) {
  AuditState state{request, AskedOnce(resolver)};
  state.stop = std::move(stop);
  const Question question{request.domain, "MX"};
  const auto mx = state.lookups.ask(question);
  if (mx.kind == Answer::Kind::failed || mx.kind == Answer::Kind::no_name) {
    state.out.readable = false;
    Answer why = mx;
    if (mx.kind == Answer::Kind::no_name) why.why = "there is no such name";
    state.unknown("MX-05", question, why);
    return std::move(state.out);
  }
  audit_zone(state);
  audit_mx(state);
  audit_spf(state);
  audit_dkim(state);
  audit_dmarc(state);
  audit_transport(state);
  audit_clients(state);
  state.out.questions = state.lookups.questions();
  std::stable_sort(
      state.out.findings.begin(), state.out.findings.end(),
      [](const Finding& one, const Finding& other) { return one.severity > other.severity; });
  return std::move(state.out);
}

}  // namespace mxferry::dns
