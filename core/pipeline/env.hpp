// SPDX-License-Identifier: Apache-2.0
// What a run works with: engines behind seams that tests replace, the durable state, time.
// Everything here is used on the run's thread (env.main) alone; blocking calls go through
// on_worker(), and what they must journal comes back by on_main().
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "config/plan_file.hpp"
#include "copy/copy_job.hpp"
#include "dns/authoritative.hpp"
#include "model/inventory.hpp"
#include "model/plan.hpp"
#include "pipeline/run_store.hpp"
#include "pipeline/wait_clock.hpp"
#include "plan/estimate.hpp"
#include "ports/dns_api.hpp"
#include "ports/mail_provider.hpp"
#include "smtp/client.hpp"
#include "smtp/submission.hpp"

namespace mxferry::pipeline {

/// A message at the destination that the source never had: what a rollback would strand.
struct NewMail {
  std::string mailbox;
  std::string folder;  // UTF-8
  std::uint32_t uid = 0;
  std::string sha256;  // of its octets, hex
};

/// UIDNEXT of each folder of the source when it was last copied, by its name on the wire.
using SourceMarks = std::map<std::string, std::uint32_t>;

/// Who sent mail that came late, as the report says it.
struct Sender {
  std::string from, host;
  std::uint64_t messages = 0;
};

/// Mailboxes, as the steps need them.
class MailEngine {
 public:
  virtual ~MailEngine() = default;
  /// Logs in at the source, read-only, and counts; at the destination too if `at_destination` (an
  /// account that a later step makes is not tried: a failed login may count against us). What goes
  /// wrong there stands in dest_problem.
  virtual Task<Result<MailboxInventory>> inventory(const config::Mailbox& box,
                                                   bool at_destination) = 0;
  /// Logs in at the source and lists its folders: the old side is alive.
  virtual Task<Result<void>> source_answers(const config::Mailbox& box) = 0;
  /// The addresses of the plan's domains in the headers of the source's mail that arrived on the
  /// UTC day of `since` or later. Read-only.
  virtual Task<Result<SeenAddresses>> seen_addresses(const config::Mailbox& box, Instant since) = 0;
  /// Copies what is new since the last time. `control` stops it after the batch in hand.
  /// Where the plan's window is shut or a budget of the day used up: ErrorCode::waiting, unless
  /// `kind` is one that does not wait (last, straggler).
  virtual Task<Result<copy::CopyReport>> copy(
      const config::Mailbox& box, CopyKind kind, std::shared_ptr<copy::CopyControl> control,
      std::function<void(const copy::Progress&)> progress) = 0;
  virtual Task<Result<copy::VerifyReport>> verify(const config::Mailbox& box,
                                                  std::shared_ptr<copy::CopyControl> control) = 0;
  /// Looks for a message whose Message-ID holds `token` in INBOX and junk of the destination, among
  /// UIDs that arrived lately; where it is found, it is removed by its UID if `remove`.
  virtual Task<Result<bool>> find_canary(const config::Mailbox& box, const std::string& token,
                                         bool remove) = 0;
  /// Mail at the destination that no copy put there and that was not there when the flip was
  /// written.
  virtual Task<Result<std::vector<NewMail>>> arrived_since_flip(const config::Mailbox& box) = 0;
  /// How far the source has been copied.
  virtual Result<SourceMarks> source_marks(const config::Mailbox& box) {
    (void)box;
    return SourceMarks{};
  }
  /// Who sent what the source has behind `marks`; at most 200 messages of a folder are looked at.
  virtual Task<Result<std::vector<Sender>>> senders(const config::Mailbox& box,
                                                    const SourceMarks& marks) = 0;
  /// STORAGE at the destination.
  virtual Task<Result<QuotaState>> quota(const config::Mailbox& box) = 0;
  /// Notes, durably, where each destination folder stands at the flip.
  virtual Task<Result<void>> mark_flip(const config::Mailbox& box) = 0;
};

/// Everything that is asked of name servers. Blocking: worker threads.
class DnsEyes {
 public:
  virtual ~DnsEyes() = default;
  virtual Result<dns::Delegation> delegation(const std::string& name, std::stop_token stop) = 0;
  virtual dns::Round round(const dns::Delegation& delegation,
                           const std::vector<dns::Question>& questions, std::stop_token stop) = 0;
  virtual Assertion confirmed(const dns::Delegation& delegation,
                              const std::vector<dns::Expected>& expected, std::stop_token stop) = 0;
  virtual Result<std::uint32_t> negative_ttl(const dns::Delegation& delegation,
                                             std::stop_token stop) = 0;
  virtual Result<std::vector<std::string>> addresses(const std::string& host,
                                                     std::stop_token stop) = 0;
  /// A set from its zone's own servers, wherever that is.
  virtual Result<dns::Seen> lookup(const dns::Question& question, std::stop_token stop) = 0;
  /// Does the parent say that the zone is signed (a DS set)?
  virtual Result<bool> has_ds(const std::string& zone, std::stop_token stop) = 0;
  /// dns::check_signatures.
  virtual Assertion signatures(const dns::Delegation& delegation,
                               const std::vector<dns::Question>& questions,
                               std::stop_token stop) = 0;
  struct Resolver {
    std::string name;
    dns::Seen seen;
  };
  virtual std::vector<Resolver> ask_resolvers(const dns::Question& question,
                                              std::stop_token stop) = 0;
};

/// What one MX address shows of TLS.
struct TlsView {
  bool starttls = false;
  std::string problem{};  // why the certificate does not prove the host; empty: it does
};

/// Delivers one canary to one MX address, or looks at its TLS.
class CanaryPost {
 public:
  virtual ~CanaryPost() = default;
  virtual Task<Result<void>> send(const std::string& mx_host, const std::string& address,
                                  const std::string& to, const std::string& message_id) = 0;
  /// Does the MX take mail for `to`? Its reply to RCPT TO, whatever it is; no message is sent.
  virtual Task<Result<smtp::Reply>> probe(const std::string& mx_host, const std::string& address,
                                          const std::string& to) = 0;
  /// STARTTLS, proven by CAs or, where `tlsa` has records, by them. An error: nothing is known.
  virtual Task<Result<TlsView>> look_at_tls(const std::string& mx_host, const std::string& address,
                                            const std::vector<std::string>& tlsa) = 0;
};

/// The MTA-STS policy file that every address of the domain's policy host serves, whole. Blocking.
using ReadPolicy = std::function<Result<std::string>(const std::string& domain, std::stop_token)>;

/// Our own mail: notices, and alerts by mail.
class MailPost {
 public:
  virtual ~MailPost() = default;
  virtual Task<Result<smtp::Submitted>> send(std::vector<std::string> to, std::string message) = 0;
};

class Alerts;

/// What a person or a log is told as it happens. Called on the run's thread.
class RunWatcher {
 public:
  virtual ~RunWatcher() = default;
  virtual void step(const Step& step, StepStatus status, const std::string& why) = 0;
  virtual void progress(const copy::Progress& progress) = 0;
  virtual void note(const std::string& text) = 0;
};

class Slots;

struct Env {
  const config::PlanFile& file;
  const Plan& plan;
  RunStore& store;
  WaitClock& waits;
  const Clock& clock;
  MailEngine& mail;
  DnsEyes& eyes;
  std::map<std::string, DnsApi*> dns;  // by zone
  MailProvider* provider = nullptr;    // of the destination; null: it has no admin API
  CanaryPost& canary;
  RunWatcher& watcher;
  std::function<Result<void>()> write_report;
  boost::asio::any_io_executor main;
  boost::asio::thread_pool& workers;
  std::stop_token stop;
  std::int64_t scale = 1;
  bool no_wait = false;
  bool paused = false;
  Slots* mail_slots = nullptr;   // mailboxes copied at the same time
  Slots* large_slots = nullptr;  // one more, for those above [copy] large_mailbox
  Slots* dns_slots = nullptr;  // one: an API object does one thing at a time, and a write is read,
                               // judged, written as one
  Slots* provider_slots = nullptr;  // one, as above
  ReadPolicy read_policy{};
  std::function<void(Millis)> pass_time{};  // tests: moves their clock where a run would sleep
  plan::Speed speed{};                      // what the estimate takes for granted
  std::optional<std::uint64_t> dest_message_bytes{};  // what the destination's profile says

  MailPost* post = nullptr;  // of [notice]; null: there is none
  Alerts* alerts = nullptr;  // of [alert]; null: there is none
  int copying = 0;           // mailboxes that are being copied now
  Millis moved_at{0};        // boot time when the last of their bytes came

  /// Under way: a pause ends them after the batch in hand.
  std::set<std::shared_ptr<copy::CopyControl>> copies{};

  const config::Mailbox* mailbox(const std::string& address) const {
    for (const auto& box : file.mailboxes)
      if (box.dest == address) return &box;
    return nullptr;
  }
  const DomainPlan* domain(const std::string& name) const {
    for (const auto& d : plan.domains)
      if (d.name == name) return &d;
    return nullptr;
  }
  Millis scaled(Millis plan_duration) const { return Millis(plan_duration.count() / scale); }
};

/// How a step's execution ended for now.
struct StepEnd {
  enum class Kind { done, waiting, held, person, failed, parked, stopped };
  Kind kind = Kind::done;
  std::string why{};
  std::string remedy{};
  Instant not_before{};
  std::optional<Error> error{};

  static StepEnd done(std::string why = "") { return {Kind::done, std::move(why), "", {}, {}}; }
  static StepEnd waiting(Instant t, std::string why) {
    return {Kind::waiting, std::move(why), "", t, {}};
  }
  static StepEnd held(std::string why, std::string remedy) {
    return {Kind::held, std::move(why), std::move(remedy), {}, {}};
  }
  static StepEnd person(std::string why, std::string remedy) {
    return {Kind::person, std::move(why), std::move(remedy), {}, {}};
  }
  static StepEnd stopped() { return {Kind::stopped, "stopped", "", {}, {}}; }
  static StepEnd failed(Error error);
};

/// What a wait came to.
enum class Waited { go_on, would_wait, stopped };

/// Waits until `t`, telling why in the step's state. With --no-wait it returns would_wait at once.
Task<Waited> wait_until(Env& env, const Step& step, Instant t, std::string why);
/// The end that a wait which did not go on gives.
StepEnd end_of(Waited waited, Instant t, std::string why);
/// A rest of a polling loop: not reported, ended by a stop (false). While the run is paused it goes
/// on, or ends with false where the run may not wait, unless what follows only looks.
Task<bool> nap(Env& env, Millis time, bool through_pause = false);

/// At most N holders at a time; the others queue. On the run's thread.
class Slots {
 public:
  Slots(boost::asio::any_io_executor executor, int count) : timer_(executor), free_(count) {
    timer_.expires_at(boost::asio::steady_timer::time_point::max());
  }
  class Held {
   public:
    explicit Held(Slots* slots) : slots_(slots) {}
    Held(Held&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (slots_ != nullptr) slots_->give_back();
    }

   private:
    Slots* slots_;
  };
  Task<Held> take();

 private:
  void give_back() {
    ++free_;
    timer_.cancel_one();
  }
  boost::asio::steady_timer timer_;
  int free_;
};

template <class F>
Task<void> run_into(std::shared_ptr<std::optional<std::invoke_result_t<F>>> slot, F work) {
  slot->emplace(work());
  co_return;
}

/// Runs blocking `work` on a worker thread and comes back to the run's thread with what it
/// returned.
template <class F>
Task<std::invoke_result_t<F>> on_worker(Env& env, F work) {
  auto slot = std::make_shared<std::optional<std::invoke_result_t<F>>>();
  co_await boost::asio::co_spawn(env.workers, run_into(slot, std::move(work)),
                                 boost::asio::use_awaitable);
  co_return std::move(**slot);
}

/// From a worker: runs `work` on the run's thread and waits for what it returns.
template <class F>
std::invoke_result_t<F> on_main(const boost::asio::any_io_executor& main, F work) {
  auto promise = std::make_shared<std::promise<std::invoke_result_t<F>>>();
  auto future = promise->get_future();
  boost::asio::post(main,
                    [promise, work = std::move(work)]() mutable { promise->set_value(work()); });
  return future.get();
}

}  // namespace mxferry::pipeline
