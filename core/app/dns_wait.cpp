// SPDX-License-Identifier: Apache-2.0
#include "app/dns_wait.hpp"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "app/command.hpp"
#include "app/dns_journal.hpp"
#include "app/dns_snapshot_file.hpp"
#include "app/dns_want.hpp"
#include "app/options.hpp"
#include "app/spf_command.hpp"
#include "base/clock.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "base/read_file.hpp"
#include "config/duration.hpp"
#include "dns/convergence.hpp"
#include "dns/port_53.hpp"
#include "protocol/dns/name.hpp"

namespace mxferry::app {
namespace {

namespace po = boost::program_options;

constexpr Millis kShortestPause{200};

struct Options {
  std::string zone, file, want, snapshot;
  bool restored = false, json = false;
  std::vector<std::string> resolvers, roots, doh;
  std::string doh_ca_file, publish_delay = "0";
  std::uint16_t authority_port = 53;
  std::string timeout = "1h", poll = "5s";
};

bool is_served(const ZoneRecord& record) {
  const auto extra = parse_json(record.extra.empty() ? "{}" : record.extra, "extra");
  return !extra || !extra->is_object() || extra->value("disabled", Json(false)) != true;
}

dns::Expected expected_set(const std::optional<ZoneRRset>& set, const ZoneRRset& any) {
  dns::Expected out;
  out.question = {any.name, any.type};
  if (!set) return out;
  for (const auto& record : set->records)
    if (is_served(record)) out.rdata.push_back(record.rdata);
  if (!out.rdata.empty()) out.ttl = set->ttl;
  return out;
}

Result<dns::Expected> expected_edit(const DnsEdit& edit, const std::string& file) {
  dns::Expected out;
  out.question = {edit.name, edit.type};
  out.ttl = edit.ttl;
  switch (edit.kind) {
    case DnsEdit::Kind::set:
      out.rdata = edit.after;
      return out;
    case DnsEdit::Kind::ttl:
      out.data_matters = false;
      return out;
    case DnsEdit::Kind::string:
      break;
  }
  auto error = fail(ErrorCode::config, file,
                    "says what is put into " + edit.name + " " + edit.type +
                        " and taken out of it, not what must stand")
                   .error();
  return fail(std::move(error.with_remedy("wait for the snapshot of the apply: --snapshot FILE")));
}

std::string what(const dns::Behind& behind) {
  return behind.question.name + " " + behind.question.type;
}

Json behind_json(const dns::Behind& behind) {
  return {{"who", behind.who},
          {"kind", behind.kind == dns::Behind::Kind::resolver ? "resolver" : "authoritative"},
          {"name", behind.question.name},
          {"type", behind.question.type},
          {"answered", behind.answered},
          {"why", behind.why},
          {"ttl_left", behind.ttl_left ? Json(*behind.ttl_left) : Json()}};
}

std::string behind_text(const dns::Behind& behind) {
  std::string out = behind.who + ": " + what(behind) + ": " + behind.why;
  if (behind.ttl_left) out += ", for another " + std::to_string(*behind.ttl_left) + " s";
  return escape_line(out);
}

// Progress is told where it is news: who is behind, and with what; a TTL that counts down is none.
class Progress {
 public:
  void tell(const std::vector<dns::Behind>& behind) {
    for (const auto& one : behind) {
      const auto key = one.who + " " + what(one) + " " + one.why;
      now_.push_back(key);
      if (std::find(told_.begin(), told_.end(), key) == told_.end())
        std::cerr << behind_text(one) << '\n';
    }
    told_ = std::move(now_);
    now_.clear();
  }

 private:
  std::vector<std::string> told_, now_;
};

// Until something may have changed: a resolver's answer runs out, a secondary is polled.
Millis pause_of(const std::vector<dns::Behind>& behind, Millis poll) {
  auto out = poll;
  for (const auto& one : behind)
    if (one.ttl_left) out = std::min(out, Millis(static_cast<std::int64_t>(*one.ttl_left) * 1000));
  return std::max(out, kShortestPause);
}

// When it is worth to come back: what resolvers hold has run out.
Instant retry_at(Instant now, const std::vector<dns::Behind>& behind, Millis poll) {
  auto out = poll;
  for (const auto& one : behind)
    if (one.ttl_left) out = std::max(out, Millis(static_cast<std::int64_t>(*one.ttl_left) * 1000));
  return now + out;
}

Result<Millis> duration_of(const std::string& text, const std::string& option) {
  if (text == "0") return Millis(0);
  const auto read = config::parse_duration(text);
  if (!read) return fail(ErrorCode::usage, option, "expected a duration such as 30s, 15m or 2h");
  return *read;
}

Result<std::vector<dns::DnsServer>> roots_of(const std::vector<std::string>& given) {
  std::vector<dns::DnsServer> out;
  for (const auto& text : given) {
    auto server = net::parse_dns_server(text);
    if (!server) return fail(ErrorCode::usage, "--root", server.error().message());
    out.push_back(*std::move(server));
  }
  return out;
}

// The resolvers over HTTPS, where name servers cannot be asked from here or show an inner view;
// none: all is asked directly.
Result<dns::DohServers> stand_ins(const Options& o, const std::vector<dns::DnsServer>& roots) {
  if (o.doh.empty()) return dns::DohServers();
  MXF_TRY(doh, net::parse_doh_servers(o.doh, o.doh_ca_file));
  auto direct = dns::port_53_is_open(roots, {});
  if (direct.passed()) direct = dns::zone_is_the_worlds(o.zone, roots, doh, {});
  if (direct.verdict != Assertion::Verdict::fail) return dns::DohServers();
  std::cerr << escape_line(direct.why) << "; " << doh.size()
            << " resolvers are asked over HTTPS instead: the proof is indirect\n";
  return doh;
}

// What an apply's snapshot and journal say of the past.
struct Past {
  Instant published{};  // when the API was seen to hold what is waited for
  Millis overlap{0};    // how long caches may hold what stood before
};

// Without them the API holds it now, as far as anybody knows.
Result<Past> past_of(const Options& o, Instant now) {
  Past out;
  out.published = now;
  if (o.snapshot.empty()) return out;
  MXF_TRY(text, read_file(o.snapshot));
  if (!is_applied_snapshot(text)) return out;
  MXF_TRY(applied, read_applied_snapshot(text, escape_line(o.snapshot)));
  MXF_TRY(journal, DnsJournal::open(o.snapshot + ".journal", snapshot_digest(applied)));
  out.published = journal.stood_at().value_or(now);
  for (const auto& change : applied.changes)
    for (const auto* side : {&change.before, &change.after})
      if (*side) out.overlap = std::max<Millis>(out.overlap, std::chrono::seconds((*side)->ttl));
  return out;
}

Result<std::vector<dns::Expected>> wanted(const Options& o) {
  const auto named = static_cast<int>(!o.file.empty()) + static_cast<int>(!o.want.empty()) +
                     static_cast<int>(!o.snapshot.empty());
  if (named != 1)
    return fail(ErrorCode::usage, "dns wait", "expected one of --desired, --want and --snapshot");
  if (o.restored && o.snapshot.empty())
    return fail(ErrorCode::usage, "--restored", "needs the --snapshot of an apply");
  const auto& path = !o.file.empty() ? o.file : !o.want.empty() ? o.want : o.snapshot;
  MXF_TRY(text, read_file(path));
  return expected_of(text, o.zone, o.restored, escape_line(path));
}

struct Waited {
  std::vector<dns::Behind> behind{};
  Instant retry_at{};
  int looks = 0;
  bool indirect = false;
};

void print(const Options& o, const Waited& end, const dns::Convergence& convergence) {
  const bool seen = end.behind.empty();
  for (const auto& who : convergence.floors())
    std::cerr << escape_line(who) << " keeps answers longer than their TTL says\n";
  if (o.json) {
    Json behind = Json::array();
    for (const auto& one : end.behind) behind.push_back(behind_json(one));
    const Json out = {{"format", "mxferry-dns-wait/1"},
                      {"zone", o.zone},
                      {"state", seen ? "seen" : "waiting"},
                      {"proof", end.indirect ? "indirect" : "direct"},
                      {"looks", end.looks},
                      {"behind", std::move(behind)},
                      {"floors", convergence.floors()},
                      {"retry_at", seen ? Json() : Json(format_instant(end.retry_at))}};
    std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  } else if (seen && end.indirect) {
    std::cout << "every resolver that was asked over HTTPS shows it (an indirect proof for "
              << escape_line(o.zone) << ")\n";
  } else if (seen) {
    std::cout << "every authoritative server of " << escape_line(o.zone)
              << (o.resolvers.empty() ? " serves it\n" : " serves it, every resolver shows it\n");
  } else {
    std::cout << end.behind.size() << " answers are still behind; not before "
              << format_instant(end.retry_at) << '\n';
  }
}

Result<int> wait(Options& o) {
  const SystemClock clock;
  MXF_TRY(zone, dns::canonical_name(o.zone));
  o.zone = zone;
  MXF_TRY(expected, wanted(o));
  MXF_TRY(timeout, duration_of(o.timeout, "--timeout"));
  MXF_TRY(poll, duration_of(o.poll, "--poll"));
  dns::Convergence::Network network;
  network.authority_port = o.authority_port;
  MXF_TRY(roots, roots_of(o.roots));
  network.roots = std::move(roots);
  if (!o.resolvers.empty()) {
    MXF_TRY(resolvers, chosen_resolvers(o.resolvers));
    network.resolvers = std::move(resolvers);
  }
  MXF_TRY(past, past_of(o, clock.now()));
  MXF_TRY(doh, stand_ins(o, network.roots));
  MXF_TRY(publish_delay, duration_of(o.publish_delay, "--publish-delay"));
  network.overlap = past.overlap;
  network.doh = std::move(doh);
  network.published = past.published;
  network.publish_delay = publish_delay;
  const bool indirect = !network.doh.empty();
  dns::Convergence convergence(o.zone, std::move(expected), std::move(network), clock);
  const auto until = std::chrono::steady_clock::now() + timeout;
  Progress progress;
  Waited end;
  end.indirect = indirect;
  for (;;) {
    const auto looked = convergence.look({});
    ++end.looks;
    const auto left = std::chrono::duration_cast<Millis>(until - std::chrono::steady_clock::now());
    if (!looked) {
      // That no such zone is delegated is certain; that nobody answers may pass.
      if (looked.error().code == ErrorCode::not_found || left <= Millis(0))
        return fail(looked.error());
      std::cerr << escape_line(looked.error().message()) << '\n';
      std::this_thread::sleep_for(std::min(left, poll));
      continue;
    }
    end.behind = *looked;
    progress.tell(end.behind);
    if (end.behind.empty() || left <= Millis(0)) break;
    std::this_thread::sleep_for(std::min(left, pause_of(end.behind, poll)));
  }
  end.retry_at = retry_at(clock.now(), end.behind, poll);
  print(o, end, convergence);
  return code(end.behind.empty() ? Exit::done : Exit::waiting);
}

}  // namespace

Result<std::vector<dns::Expected>> expected_of(std::string_view text, const std::string& zone,
                                               bool restored, const std::string& file) {
  std::vector<dns::Expected> out;
  if (is_applied_snapshot(text)) {
    MXF_TRY(applied, read_applied_snapshot(text, file));
    if (applied.before.zone != zone)
      return fail(ErrorCode::config, file,
                  "is a snapshot of " + escape_line(applied.before.zone) + ", not of " + zone);
    for (const auto& change : applied.changes)
      out.push_back(expected_set(restored ? change.before : change.after,
                                 change.after ? *change.after : *change.before));
    return out;
  }
  if (restored) return fail(ErrorCode::config, file, "is not the snapshot of an apply");
  MXF_TRY(want, parse_want(text, zone, file));
  for (const auto& edit : want.edits) {
    MXF_TRY(expected, expected_edit(edit, file));
    if (expected.rdata.empty() && expected.data_matters) expected.ttl.reset();
    out.push_back(std::move(expected));
  }
  return out;
}

int dns_wait(std::span<const std::string> args) {
  Options o;
  OptionTable table;
  table.command = "dns wait";
  table.synopsis = "--zone ZONE --desired FILE | --snapshot FILE [OPTIONS]";
  table.about =
      "Waits until every authoritative server of the zone, found by a walk from the root and asked "
      "over UDP and TCP, serves what FILE says, data and TTL, and until every resolver that is "
      "named shows it. Who is behind, and for how long, is told on stderr. Where time is up first "
      "the exit code is 7 (retry_at).";
  auto add = table.options.add_options();
  add("zone", po::value(&o.zone)->required()->value_name("ZONE"), "zone, e.g. example.com");
  add("desired", po::value(&o.file)->value_name("FILE"), "what dns apply was given");
  add("want", po::value(&o.want)->value_name("FILE"), "the same in mxferry's own formats");
  add("snapshot", po::value(&o.snapshot)->value_name("FILE"),
      "what an apply wrote beside it, or dns snapshot: what it changed is to be seen");
  add("restored", po::bool_switch(&o.restored),
      "with the --snapshot of an apply: what stood before it is to be seen again");
  add("resolver", po::value(&o.resolvers)->composing()->value_name("IP:PORT"),
      "a resolver that must show it, too; may be given again");
  add("root", po::value(&o.roots)->composing()->value_name("IP:PORT"),
      "where the walk begins (labs, private roots). Default: the public root servers");
  add("authority-port", po::value(&o.authority_port)->value_name("PORT"),
      "port of the servers found on the way (53)");
  add("doh", po::value(&o.doh)->composing()->value_name("URL"),
      "a resolver over HTTPS, three or more: asked instead, an indirect proof, where port 53 "
      "cannot be used or shows an inner view of the zone");
  add("doh-ca-file", po::value(&o.doh_ca_file)->value_name("FILE"),
      "PEM: the CAs of those resolvers, instead of the system's");
  add("publish-delay", po::value(&o.publish_delay)->value_name("DURATION"),
      "for an indirect proof: until the DNS API's own servers serve what it took (0)");
  add("timeout", po::value(&o.timeout)->value_name("DURATION"),
      "how long to wait (1h); 0: look once");
  add("poll", po::value(&o.poll)->value_name("DURATION"),
      "how long to wait between two looks at most (5s)");
  add("json", po::bool_switch(&o.json), "print JSON");
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  auto ended = wait(o);
  return ended ? *ended : report_error(ended.error());
}

}  // namespace mxferry::app
