// SPDX-License-Identifier: Apache-2.0
// FakeWorld: everything that a run meets, in memory: a zone behind a DNS API, its name servers,
// resolvers that really cache by the test's clock, mailboxes, an MX, an old side; with the state
// file real. Every call may be counted and failed. Steps come to the fakes on worker threads:
// what they share is under one mutex; a test touches it between runs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "pipeline/alerts.hpp"
#include "pipeline/env.hpp"
#include "pipeline/rollback.hpp"
#include "pipeline/run_store.hpp"
#include "pipeline/runner.hpp"
#include "pipeline/wait_clock.hpp"
#include "store/state_file.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::test {

ZoneRRset rrset(const std::string& name, const std::string& type, std::uint32_t ttl,
                const std::vector<std::string>& data);

/// A name server of the zone: it serves what the API holds, or what it held when it was frozen.
struct FakeServer53 {
  std::optional<ZoneSnapshot> frozen{};
  bool silent = false;
};

/// A caching resolver. It asks the first name server that speaks.
struct FakeResolver {
  struct Entry {
    dns::Seen seen;
    Instant until;
  };
  std::map<std::string, Entry> cache{};  // by "name/type"
  std::uint32_t floor = 0;               // cache-min-ttl
  bool silent = false;
};

class FakeWorld {
 public:
  FakeWorld();
  ~FakeWorld();
  FakeWorld(const FakeWorld&) = delete;
  FakeWorld& operator=(const FakeWorld&) = delete;

  // The world, to be changed at will between runs.
  ManualClock clock;
  config::PlanFile file;  // two mailboxes of alpha.test, approve.flip = "auto"
  ZoneSnapshot zone;      // what the API holds: TTL 40, SOA minimum 10
  std::map<std::string, FakeServer53> servers;                // ns1.dns.test., ns2.dns.test.
  std::map<std::string, FakeResolver> resolvers;              // none at first
  std::map<std::string, std::vector<std::string>> addresses;  // of hosts
  std::map<std::string, ErrorCode> broken_mailbox;            // by destination: login fails so
  std::map<std::string, std::vector<pipeline::NewMail>> arrived;
  std::map<std::string, MailboxInventory> inventories;  // by destination; 3 messages where absent
  // By destination: at which address mail arrived, and when.
  std::map<std::string, std::vector<std::pair<Instant, std::string>>> mail_for;
  smtp::Reply old_mx_reply{550, "5.1.1 no such user"};  // to an address that nobody has
  std::set<std::string> delivered;                      // canary tokens that can be found by IMAP
  bool mx_swallows = false;  // the new MX takes canaries and they are never found
  std::optional<Error> mx_refuses{};
  std::map<std::string, pipeline::TlsView> mx_tls;     // by address; others: STARTTLS, proven
  std::map<std::string, std::string> mx_dane_problem;  // by address: why TLSA does not match
  std::map<std::string, dns::Seen> tlsa;               // by "_25._tcp.HOST."
  std::string served_policy{};                         // MTA-STS; empty: HTTP 404
  bool has_ds = false;                                 // the zone is signed
  std::function<Assertion()> signatures;               // of a signed zone; none: all in order
  bool old_mx_dead = false;
  std::map<std::string, std::vector<pipeline::Sender>> senders;  // of late mail, by destination
  std::map<std::string, int> late;  // messages that each later copy brings, by destination
  std::map<std::string, QuotaState> quotas;
  std::uint32_t api_floor = 0;
  std::map<std::string, std::string> refused_recipients;  // of [notice], with the server's words

  /// Called before every call to the world with its name ("api apply", "mail copy", …); an error
  /// makes that call fail. On any thread, under the world's mutex.
  std::function<std::optional<Error>(const std::string& what)> fault;
  /// Called after a write took effect: an error loses the answer.
  std::function<std::optional<Error>()> lose_answer;
  /// Called on the run's thread at each state of a step.
  std::function<void(const std::string& step, StepStatus status)> at_step;
  /// Called on the run's thread whenever a run that waits has let time pass.
  std::function<void()> at_rest;

  /// What a name server answers right now, instead of what `servers` says. Under the world's mutex.
  std::function<dns::Seen(const std::string& server, const dns::Question& question)> authority;
  /// What resolvers answer, instead of `resolvers`.
  std::function<std::vector<pipeline::DnsEyes::Resolver>(const dns::Question& question)>
      public_view;
  /// The channels of [alert], instead of one that only keeps what it is given in `alerts`.
  std::function<std::vector<std::unique_ptr<pipeline::AlertChannel>>()> make_channels;
  /// Called on the run's thread while a mailbox is being copied.
  std::function<void(pipeline::Env&)> during_copy;

  // What happened.
  std::vector<std::string> writes;  // each change of a zone: "lower-ttl: MX alpha.test. 10 …"
  std::vector<std::string> notes;
  int calls = 0;
  int canaries_sent = 0;
  std::map<std::string, int> copies, verifies;
  struct SentMail {
    std::vector<std::string> to;
    std::string message;
    Instant at;
  };
  std::vector<SentMail> mails;          // notices
  std::vector<pipeline::Alert> alerts;  // that were sent

  /// Computes and freezes the plan once; later runs go on with it.
  const Plan& plan();
  /// `mxferry run --no-wait` once, in a new process as it were.
  pipeline::RunEnd run();
  /// `mxferry run`: it waits, and the clock moves as it does.
  pipeline::RunEnd run_waiting();
  /// run(), and wherever it waits the clock goes to retry_at: until anything but `waiting`.
  pipeline::RunEnd run_on(int at_most = 60);
  /// run() again and again, to retry_at each time, until `step` has ended or the run does not wait.
  pipeline::RunEnd run_until_done(const std::string& step);
  /// The TTL gate alone, waiting as a run does.
  pipeline::StepEnd pass_ttl_gate(const TtlWaitAction& action);
  Result<pipeline::RollbackResult> roll_back(bool strand_new_mail = false);

  StepStatus status(const std::string& step);
  std::string why(const std::string& step);
  std::optional<Instant> not_before(const std::string& step);
  pipeline::RunStore& store() { return store_; }
  store::StateFile& state() { return *state_; }
  /// The zone without SOA, a line each set, sorted: what two runs are compared by.
  std::vector<std::string> zone_lines() const;
  /// Puts what the authoritative servers serve now into every resolver's cache.
  void prime(const std::string& name, const std::string& type);
  /// The answer of a resolver right now.
  dns::Seen resolve(const std::string& resolver, const std::string& name, const std::string& type);

 private:
  class AlertSink;
  class Api;
  class Eyes;
  class Letters;
  class Mail;
  class Post;
  class Probe;
  class Watcher;
  std::optional<Error> meet(const std::string& what);
  dns::Seen serve(const ZoneSnapshot& from, const dns::Question& question) const;
  dns::Seen ask(FakeResolver& resolver, const dns::Question& question);
  void begin();
  pipeline::Env* env_ = nullptr;  // of the run that goes on
  template <class F>
  auto with_env(F work);

  std::recursive_mutex mutex_;
  TempDir dir_;
  Result<store::StateFile> state_;
  pipeline::RunStore store_;
  pipeline::WaitClock waits_;
  std::optional<Plan> plan_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<Eyes> eyes_;
  std::unique_ptr<Mail> mail_;
  std::unique_ptr<Post> post_;
  std::unique_ptr<Probe> probe_;
  std::unique_ptr<Letters> letters_;
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace mxferry::test
