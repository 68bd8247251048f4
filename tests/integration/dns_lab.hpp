// SPDX-License-Identifier: Apache-2.0
// DnsLab: the lab's own root, one zone at a primary that takes changes (PowerDNS by its HTTP API,
// BIND by RFC 2136) with a secondary that transfers from it, two caching resolvers, and the ways to
// run `mxferry dns` on that zone. An observer counts what must never be seen. Addresses
// 127.77.73.x; as root, for the ports 53.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/json_reader.hpp"
#include "dns/asker.hpp"
#include "dns/authoritative.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf.hpp"
#include "support/command_run.hpp"
#include "support/lab_server.hpp"

namespace mxferry::test {

inline std::string read_text(const std::filesystem::path& file) {
  std::stringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

struct Ended {
  int exit = -1;
  std::string out, err;
};

class DnsLab {
 public:
  /// `primary`: powerdns or bind. The zone is cut.test.
  explicit DnsLab(const std::string& primary) : kind_(primary), net_(primary == "bind" ? 20 : 0) {
    write("root.zone",
          "$TTL 3600\n. IN SOA ns.test. h.test. 1 3600 600 604800 5\n. IN NS ns.test.\n"
          "test. IN NS ns.test.\nns.test. IN A " +
              at(1) + "\n");
    write("test.zone",
          "$TTL 300\n$ORIGIN test.\n@ 5 IN SOA ns h 1 3600 600 604800 5\n@ IN NS ns\n"
          "ns IN A " +
              at(1) + "\ncut IN NS ns1.dns\ncut IN NS ns2.dns\nns1.dns IN A " + at(2) +
              "\nns2.dns IN A " + at(3) + "\n");
    write("cut.zone",
          "$TTL 3\n$ORIGIN cut.test.\n@ 2 IN SOA ns1.dns.test. h 1 6 2 604800 2\n"
          "@ IN NS ns1.dns.test.\n@ IN NS ns2.dns.test.\n@ IN MX 10 mx.old.test.\n"
          "@ IN MX 20 mx2.old.test.\n@ IN TXT \"v=spf1 include:old.test -all\"\n"
          "@ IN TXT \"site-verification=1\"\nwww IN A 192.0.2.80\n");
    start("root", "knot",
          {"address=" + at(1), "zone=.:" + file("root.zone") + ",test:" + file("test.zone")});
    if (kind_ == "bind") {
      start("primary", "bind",
            {"address=" + at(2), "zone=cut.test:" + file("cut.zone"), "also-notify=" + at(3)});
    } else {
      start("primary", "powerdns", {"address=" + at(2), "also-notify=" + at(3)});
      if (problem_.empty() &&
          !servers_["primary"]->run("zone", {file("cut.zone"), "cut.test"}, &problem_))
        broken_ = true;
    }
    start("secondary", "knot", {"address=" + at(3), "master=" + at(2), "zone=cut.test"});
    start("resolver", "unbound", {"address=" + at(4), "root=" + at(1)});
    // The other hears the secondary alone.
    start("other", "unbound", {"address=" + at(5), "root=" + at(1), "stub=cut.test=" + at(3)});
  }

  const std::string& problem() const { return problem_; }
  bool broken() const { return broken_; }
  std::string at(int n) const { return "127.77.73." + std::to_string(net_ + n); }
  std::string file(const std::string& name) const { return (dir_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name) << text;
  }
  LabServer& server(const std::string& role) { return *servers_.at(role); }

  /// `mxferry dns COMMAND`, with what names the API and the zone.
  std::vector<std::string> words(const std::string& command,
                                 const std::vector<std::string>& more) const {
    std::vector<std::string> out = {"dns", command, "--zone", "cut.test"};
    const auto add = [&](const std::vector<std::string>& list) {
      out.insert(out.end(), list.begin(), list.end());
    };
    if (command == "wait")
      add({"--root", at(1), "--poll", "500ms"});
    else if (kind_ == "bind")
      add({"--provider", "rfc2136", "--set", "server=" + at(2) + ":53", "--set", "key_name=lab.",
           "--secret",
           "tsig_secret=file:" + (servers_.at("primary")->dir() / "tsig.secret").string()});
    else
      add({"--provider", "powerdns", "--set", "url=http://" + at(2) + ":8081", "--secret",
           "api_key=file:" + (servers_.at("primary")->dir() / "api.key").string()});
    add(more);
    return out;
  }
  Ended run(const std::string& command, const std::vector<std::string>& more,
            const std::map<std::string, std::string>& environment = {}) const {
    CommandRun run(words(command, more), environment);
    Ended out;
    out.exit = run.wait();
    out.out = run.out();
    out.err = run.err();
    return out;
  }

  dns::Seen ask(int server, const std::string& type) const {
    return dns::ask_authoritative({at(server)}, "cut.test.", {"cut.test.", type}, false, {});
  }
  /// As one resolver shows it.
  dns::Seen resolve(int resolver, const std::string& type) const {
    return dns::ask_resolver(dns::DnsServer{at(resolver)}, {"cut.test.", type}, {});
  }

 private:
  void start(const std::string& role, const std::string& name,
             const std::vector<std::string>& options) {
    if (!problem_.empty()) return;
    auto server = std::make_unique<LabServer>(name, options);
    if (!server->available()) {
      problem_ = server->problem();
      broken_ = server->broken();
    }
    servers_[role] = std::move(server);
  }

  std::string kind_;
  int net_;
  TempDir dir_;
  std::map<std::string, std::unique_ptr<LabServer>> servers_;
  std::string problem_;
  bool broken_ = false;
};

/// Asks both servers for MX and TXT, one question after the other, for as long as it lives.
class Observer {
 public:
  explicit Observer(const DnsLab& lab)
      : lab_(lab), thread_([this](std::stop_token stop) {
          while (!stop.stop_requested())
            for (const int server : {2, 3}) look(server);
        }) {}
  /// What was seen that must never be: "" where nothing was.
  std::string seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  int looks() const { return looks_; }

 private:
  void look(int server) {
    const auto mx = lab_.ask(server, "MX");
    if (mx.kind == dns::Seen::Kind::absent) note(server, "no MX");
    const auto txt = lab_.ask(server, "TXT");
    int spf = 0;
    for (const auto& rdata : txt.rdata) {
      const auto text = dns::txt_text(rdata);
      if (text && dns::is_spf(*text)) ++spf;
    }
    if (txt.kind != dns::Seen::Kind::unknown && spf != 1)
      note(server, std::to_string(spf) + " SPF records");
    if (mx.kind != dns::Seen::Kind::unknown) ++looks_;
  }
  void note(int server, const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (seen_.empty()) seen_ = lab_.at(server) + ": " + what;
  }

  const DnsLab& lab_;
  std::mutex mutex_;
  std::string seen_;
  std::atomic<int> looks_{0};
  std::jthread thread_;
};

}  // namespace mxferry::test
