// SPDX-License-Identifier: Apache-2.0
#include "plan/cache_mix.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <optional>
#include <set>

#include "plan/compute_spf.hpp"
#include "plan/edits.hpp"
#include "protocol/dns/mta_sts.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::plan {
namespace {

using Texts = std::vector<std::string>;

// One thing that caches hold as a whole: an RRset ("name/type"), or the served policy file.
constexpr const char* kPolicyFile = "policy";

struct Value {
  std::string step;  // that wrote it; empty: it stood before
  Texts data;
};

bool contains(const Texts& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

Texts texts_of(const Texts& txt, const std::function<bool(std::string_view)>& wanted) {
  Texts out;
  for (const auto& rdata : txt)
    if (const auto text = dns::txt_text(rdata); text && wanted(*text)) out.push_back(*text);
  return out;
}

Texts hosts_of(const Texts& mx) {
  Texts out;
  for (const auto& rdata : mx)
    if (const auto parsed = dns::parse_mx(rdata)) out.push_back(parsed->exchange);
  return out;
}

std::string listed(const Texts& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + item;
  return out.empty() ? "nothing" : out;
}

// Which of the steps that matter here come before which. Mailbox steps only carry the order on:
// there may be thousands of them.
class Order {
 public:
  explicit Order(const Plan& plan) {
    for (const auto& step : plan.steps)
      if (matters(step)) bit_.emplace(step.id, bit_.size());
    std::map<std::string, std::vector<bool>> before;
    std::set<std::string> open;
    for (const auto& step : plan.steps) open.insert(step.id);
    while (!open.empty()) {
      const auto left = open.size();
      for (const auto& step : plan.steps) {
        if (!open.contains(step.id)) continue;
        const bool ready =
            std::none_of(step.after.begin(), step.after.end(),
                         [&](const std::string& id) { return !before.contains(id); });
        if (!ready) continue;
        auto& mine = before[step.id];
        mine.resize(bit_.size());
        for (const auto& id : step.after) {
          const auto& theirs = before[id];
          for (std::size_t i = 0; i < theirs.size(); ++i)
            if (theirs[i]) mine[i] = true;
          if (const auto own = bit_.find(id); own != bit_.end()) mine[own->second] = true;
        }
        open.erase(step.id);
        if (matters(step)) steps_.push_back(&step);
      }
      if (open.size() == left) break;  // a circle, or a step that is not there
    }
    lost_.assign(open.begin(), open.end());
    for (const auto& [id, bit] : bit_) before_.emplace(id, before[id]);
  }
  /// True if `first` is done whenever `then` begins.
  bool precedes(const std::string& first, const std::string& then) const {
    const auto bit = bit_.find(first);
    const auto of = before_.find(then);
    return bit != bit_.end() && of != before_.end() && bit->second < of->second.size() &&
           of->second[bit->second];
  }
  const std::vector<const Step*>& steps() const { return steps_; }  // in an order that is possible
  const Texts& lost() const { return lost_; }                       // never reached

 private:
  static bool matters(const Step& step) {
    return std::holds_alternative<DnsChangeAction>(step.action) ||
           std::holds_alternative<ManualAction>(step.action) ||
           std::holds_alternative<VisibleAction>(step.action) ||
           std::holds_alternative<ConvergeAction>(step.action) ||
           std::holds_alternative<TtlWaitAction>(step.action) ||
           std::holds_alternative<WaitAction>(step.action) ||
           std::holds_alternative<CanaryAction>(step.action);
  }
  std::map<std::string, std::size_t> bit_;
  std::map<std::string, std::vector<bool>> before_;
  std::vector<const Step*> steps_;
  Texts lost_;
};

class Check {
 public:
  Check(const Plan& plan, const DomainPlan& domain, const MixFacts& facts)
      : domain_(domain),
        facts_(facts),
        order_(plan),
        apex_(domain.name + "."),
        answers_(facts.answers) {}

  std::vector<Finding> run() {
    if (!order_.lost().empty()) {
      say("order", "the steps " + listed(order_.lost()) + " wait for each other or for none");
      return std::move(out_);
    }
    read_histories();
    for (const auto* step : order_.steps())
      if (writes_.contains(step->id)) judge_after(step->id);
    return std::move(out_);
  }

 private:
  using Mix = std::map<std::string, std::size_t>;  // key -> which value of its history

  void say(const std::string& kind, std::string text) {
    if (!said_.insert(kind).second) return;
    Finding finding;
    finding.id = "CM-01";
    finding.subject = domain_.name;
    finding.severity = Severity::block;
    finding.text = std::move(text);
    finding.remedy = "this order is not safe; it is refused, and cannot be accepted";
    out_.push_back(std::move(finding));
  }

  void read_histories() {
    for (const auto& key :
         {mx_key(), txt_key(apex_), txt_key("_dmarc." + apex_), txt_key("_mta-sts." + apex_)})
      begin(key);
    for (const auto& [key, rdata] : facts_.dkim) begin(key);
    histories_[kPolicyFile].push_back({"", {domain_.sts_before}});
    for (const auto* step : order_.steps()) {
      if (const auto* manual = std::get_if<ManualAction>(&step->action)) {
        if (manual->domain != domain_.name || manual->check != "mta-sts-policy") continue;
        histories_[kPolicyFile].push_back({step->id, {manual->text}});
        writes_.insert(step->id);
      }
      const auto* change = std::get_if<DnsChangeAction>(&step->action);
      if (change == nullptr || change->zone != domain_.zone) continue;
      for (const auto& edit : change->edits) write(step->id, edit);
    }
  }

  void begin(const std::string& key) {
    const auto slash = key.rfind('/');
    const auto* set = facts_.zone.find(key.substr(0, slash), key.substr(slash + 1));
    histories_[key].push_back({"", rdata_of(set)});
  }

  void write(const std::string& step, const DnsEdit& edit) {
    if (edit.kind == DnsEdit::Kind::ttl) return;
    const std::string key = edit.name + "/" + edit.type;
    if (!histories_.contains(key)) {
      const bool ours = edit.type == "TXT" && edit.name.ends_with("._domainkey." + apex_);
      if (!ours) return;
      begin(key);
    }
    auto& history = histories_[key];
    Texts now = edit.after;
    if (edit.kind == DnsEdit::Kind::string) {
      const auto edited = dns::edit_set(edit.type, history.back().data, edit.before, edit.after);
      // A string that is not there: the write will be refused as it is met.
      now = edited ? *edited : history.back().data;
    }
    if (now == history.back().data) return;
    history.push_back({step, std::move(now)});
    writes_.insert(step);
  }

  // --- what may still be held after a step

  bool waited_for(const std::string& key, const std::string& write, const std::string& step) const {
    const auto known = waited_.find({key, write, step});
    if (known != waited_.end()) return known->second;
    const bool out =
        std::any_of(order_.steps().begin(), order_.steps().end(), [&](const Step* gate) {
          return order_.precedes(gate->id, step) && order_.precedes(write, gate->id) &&
                 (key == kPolicyFile ? proves_policy(*gate, write) : proves_set(*gate, key, write));
        });
    waited_[{key, write, step}] = out;
    return out;
  }

  bool proves_set(const Step& gate, const std::string& key, const std::string& write) const {
    if (const auto* visible = std::get_if<VisibleAction>(&gate.action))
      return contains(visible->steps, write);
    const auto* converge = std::get_if<ConvergeAction>(&gate.action);
    if (converge == nullptr || !contains(converge->sets, key)) return false;
    // It waits the lowered TTL: that is what the caches have only if the old one was waited out.
    return std::any_of(order_.steps().begin(), order_.steps().end(), [&](const Step* other) {
      const auto* ttl = std::get_if<TtlWaitAction>(&other->action);
      return ttl != nullptr && contains(ttl->sets, key) && order_.precedes(other->id, write);
    });
  }

  // RFC 8461 §5.1: a sender fetches again when it sees another id. An id that is changed before the
  // file is binds senders to the old file anew.
  bool proves_policy(const Step& gate, const std::string& upload) const {
    const auto* wait = std::get_if<WaitAction>(&gate.action);
    if (wait == nullptr || wait->what != kWaitStsHold) return false;
    const auto history = histories_.find(txt_key("_mta-sts." + apex_));
    return std::any_of(history->second.begin(), history->second.end(), [&](const Value& id) {
      return !id.step.empty() && order_.precedes(upload, id.step) &&
             waited_for(history->first, id.step, gate.id);
    });
  }

  std::vector<std::size_t> may_hold(const std::string& key, const std::string& step) const {
    const auto& history = histories_.at(key);
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < history.size(); ++i) {
      if (i > 0 && order_.precedes(step, history[i].step)) continue;  // not written yet
      bool gone = false;
      for (std::size_t j = i + 1; j < history.size() && !gone; ++j)
        gone = waited_for(key, history[j].step, step);
      if (!gone) out.push_back(i);
    }
    return out;
  }

  // --- one mix

  void judge_after(const std::string& step) {
    step_ = step;
    std::vector<std::pair<std::string, std::vector<std::size_t>>> choices;
    for (const auto& [key, history] : histories_) choices.emplace_back(key, may_hold(key, step));
    Mix mix;
    const std::function<void(std::size_t)> next = [&](std::size_t at) {
      if (at == choices.size()) return judge(mix);
      for (const auto which : choices[at].second) {
        mix[choices[at].first] = which;
        next(at + 1);
      }
    };
    next(0);
  }

  const Texts& held(const Mix& mix, const std::string& key) const {
    return histories_.at(key).at(mix.at(key)).data;
  }
  bool is_first(const Mix& mix, const std::string& key) const { return mix.at(key) == 0; }
  std::string age(const Mix& mix, const std::string& key) const {
    return is_first(mix, key) ? "the old " : "the new ";
  }

  // Was it done when this mix came to be? What wrote one of its values came after what it needs.
  bool is_done(const Mix& mix, const std::string& id) const {
    if (order_.precedes(id, step_)) return true;
    return std::any_of(mix.begin(), mix.end(), [&](const auto& one) {
      return order_.precedes(id, histories_.at(one.first).at(one.second).step);
    });
  }
  template <class Wanted>
  bool has_done(const Mix& mix, Wanted wanted) const {
    return std::any_of(order_.steps().begin(), order_.steps().end(), [&](const Step* other) {
      return wanted(*other) && is_done(mix, other->id);
    });
  }
  // Steps that no order binds may both be done or neither; but a value is not held beside one whose
  // step came after the gate that waited the first out.
  bool is_possible(const Mix& mix) const {
    for (const auto& [key, which] : mix) {
      const auto& history = histories_.at(key);
      for (std::size_t j = which + 1; j < history.size(); ++j)
        for (const auto& [other, at] : mix)
          if (const auto& writer = histories_.at(other).at(at).step;
              !writer.empty() && waited_for(key, history[j].step, writer))
            return false;
    }
    return true;
  }

  // Who sends after this step.
  bool old_sends(const Mix& mix) const {
    return !has_done(mix, [&](const Step& other) {
      const auto* wait = std::get_if<WaitAction>(&other.action);
      return wait != nullptr && wait->what == kWaitSpfOverlap &&
             order_.precedes("flip:" + domain_.name, other.id);
    });
  }
  bool new_sends() const { return !order_.precedes(step_, "flip:" + domain_.name); }

  void judge(const Mix& mix) {
    if (!is_possible(mix)) return;
    judge_delivery(mix);
    if (old_sends(mix)) judge_sender(mix, false);
    if (new_sends()) judge_sender(mix, true);
    const auto& dmarc_key = txt_key("_dmarc." + apex_);
    const auto is_dmarc = [](std::string_view text) { return text.starts_with("v=DMARC1"); };
    const auto now = texts_of(held(mix, dmarc_key), is_dmarc);
    const auto before = texts_of(histories_.at(dmarc_key).front().data, is_dmarc);
    if (now.size() != 1 && now != before)
      say("dmarc " + step_, "after " + step_ + " a cache may hold " + std::to_string(now.size()) +
                                " DMARC records at once: receivers then find no policy at all");
  }

  void judge_delivery(const Mix& mix) {
    const auto hosts = hosts_of(held(mix, mx_key()));
    const std::string with =
        "after " + step_ + " a cache may hold " + age(mix, mx_key()) + "MX (" + listed(hosts) + ")";
    if (hosts.empty() && !is_first(mix, mx_key()))
      say("empty " + step_, "after " + step_ +
                                " a cache may hold no MX at all: senders then use the domain's "
                                "address record (RFC 5321 §5.1)");
    const auto old_hosts = hosts_of(domain_.mx_before);
    const bool proven = has_done(mix, [&](const Step& other) {
      const auto* canary = std::get_if<CanaryAction>(&other.action);
      return canary != nullptr && canary->domain == domain_.name && canary->path == "direct";
    });
    const auto policy = dns::parse_sts_policy(held(mix, kPolicyFile).front());
    for (const auto& host : hosts) {
      if (!proven && !contains(old_hosts, host))
        say("unproven " + step_,
            with + ", and no canary has proved that " + host + " takes the domain's mail");
      if (policy && policy->mode == dns::StsMode::enforce && !dns::sts_lists(*policy, host))
        say("policy " + step_ + host, with + " while a sender holds " + age(mix, kPolicyFile) +
                                          "MTA-STS policy, which does not list " + host +
                                          ": it refuses to deliver");
    }
  }

  const SpfPasses& passes(const std::string& text, const Texts& mx) {
    const auto known = passes_.find({text, mx});
    if (known != passes_.end()) return known->second;
    auto passes = spf_passes(domain_.name, text, mx, facts_.zone, answers_);
    return passes_.emplace(std::pair(text, mx), std::move(passes)).first->second;
  }

  // Mail of `who` that passes by `needed` must pass by the record that is held.
  void judge_passing(const std::string& who, const std::string& is_held, const SpfPasses& needed,
                     const SpfPasses& have) {
    for (const auto* side : {&needed, &have})
      if (!side->unknown.empty())
        return say("spf unknown " + who, "whether mail of " + who + " passes SPF after " + step_ +
                                             " is not known: " + side->unknown);
    auto lost = (needed.proven - have.proven).spf_terms();
    std::set_difference(needed.outside.begin(), needed.outside.end(), have.outside.begin(),
                        have.outside.end(), std::back_inserter(lost));
    if (!lost.empty())
      say("spf " + who + step_,
          is_held + ": mail of " + who + " fails, since " + lost.front() + " is not in it");
  }

  void judge_sender(const Mix& mix, bool is_new) {
    const std::string who = is_new ? "the new provider" : "the old provider";
    const auto key = txt_key(apex_);
    const auto now = texts_of(held(mix, key), dns::is_spf);
    const auto before = texts_of(histories_.at(key).front().data, dns::is_spf);
    const std::string when = "after " + step_ + " a receiver may hold ";
    if (now.size() > 1 && now != before)
      say("spf2 " + step_, when + "two SPF records: permerror (RFC 7208 §4.5)");
    const std::string needed = is_new ? domain_.spf_after : before.empty() ? "" : before.front();
    if (needed.empty()) {
      // It never had a record to pass by; one that fails all others would be new.
      const auto record =
          now.empty() ? Result<dns::SpfRecord>(dns::SpfRecord{}) : dns::parse_spf(now.front());
      const bool fails = record && (record->all == '-' || record->all == '~');
      if (fails && now != before)
        say("spf " + who + step_,
            when + age(mix, key) + "SPF record (" + now.front() + "), which fails mail of " + who);
    } else if (!(now.empty() && before.empty())) {
      const auto& mx = held(mix, mx_key());
      const auto& own_mx = is_new ? domain_.mx_after : domain_.mx_before;
      const std::string record = now.empty() ? "" : now.front();
      const std::string is_held = when + age(mix, key) + "SPF record (" + listed(now) + ") with " +
                                  age(mix, mx_key()) + "MX";
      if (record != needed || mx != own_mx)
        judge_passing(who, is_held, passes(needed, own_mx), passes(record, mx));
    }
    for (const auto& [name, history] : histories_) {
      if (name.find("._domainkey.") == std::string::npos) continue;
      const auto wanted = facts_.dkim.find(name);
      const auto type = name.substr(name.rfind('/') + 1);
      const bool missing = is_new && wanted != facts_.dkim.end() &&
                           !dns::same_set(type, held(mix, name), {wanted->second});
      const bool replaced = !is_new && !history.front().data.empty() &&
                            !dns::same_set(type, held(mix, name), history.front().data);
      if (missing || replaced)
        say("dkim " + who + step_, when + age(mix, name) + "data of " + name +
                                       ": DKIM signatures of " + who + " do not verify");
    }
  }

  std::string mx_key() const { return apex_ + "/MX"; }
  static std::string txt_key(const std::string& name) { return name + "/TXT"; }

  const DomainPlan& domain_;
  const MixFacts& facts_;
  Order order_;
  std::string apex_;
  dns::RememberedLookups answers_;
  std::map<std::pair<std::string, Texts>, SpfPasses> passes_;  // by record and MX
  std::string step_;
  std::map<std::string, std::vector<Value>> histories_;
  std::set<std::string> writes_;
  std::set<std::string> said_;
  mutable std::map<std::array<std::string, 3>, bool> waited_;  // pure, but asked for every mix
  std::vector<Finding> out_;
};

}  // namespace

std::vector<Finding> check_cache_mix(const Plan& plan, const DomainPlan& domain,
                                     const MixFacts& facts) {
  return Check(plan, domain, facts).run();
}

}  // namespace mxferry::plan
