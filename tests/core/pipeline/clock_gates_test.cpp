// SPDX-License-Identifier: Apache-2.0
// Clocks that lie, through whole runs: the wall clock is set by a day or an hour, either way, a
// time zone changes to summer time, the machine is off for a day. No step of the run is done
// earlier, in time that really passed with the machine on, than in a run whose clock was true.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <functional>
#include <map>
#include <string>

#include "support/fake_world.hpp"

namespace mxferry::pipeline {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::FakeWorld;

using Event = std::function<void(ManualClock&)>;

// When each step was done, in time that passed; the event happens before look number `when`.
std::map<std::string, Millis> openings(const Event& event, int when, Instant start) {
  FakeWorld world;
  world.clock.advance(start - world.clock.now());
  world.file.notice.smtp = "smtp://127.0.0.1";
  world.file.notice.from = "ops@alpha.test";
  world.file.notice.lead = minutes(4);
  world.file.source.endpoint = "imap://imap.old.test";
  world.file.dest.endpoint = "imap://imap.new.test";
  world.file.delta_for = minutes(2);
  world.file.monitor_for = minutes(3);
  world.file.stragglers_every = minutes(1);
  world.file.spf_overlap = minutes(6);
  world.file.retain_for = minutes(9);
  std::map<std::string, Millis> out;
  Millis passed{0};
  for (int look = 0; look < 120; ++look) {
    if (look == when) event(world.clock);
    const auto end = world.run();
    for (const auto& step : world.plan().steps)
      if (!out.contains(step.id) && world.status(step.id) == StepStatus::done)
        out[step.id] = passed;
    if (end.kind != RunEnd::Kind::waiting) {
      EXPECT_EQ(end.kind, RunEnd::Kind::done) << end.why;
      return out;
    }
    world.clock.advance(seconds(20));
    passed += seconds(20);
  }
  ADD_FAILURE() << "it did not come to its end";
  return out;
}

const Instant kSummer = std::chrono::sys_days(std::chrono::year(2026) / 3 / 29) + minutes(57);

TEST(Clocks, NoGateOpensEarlierThanWithATrueClock) {
  const auto truth = openings([](ManualClock&) {}, -1, kSummer);
  for (const char* gate : {"ttl-wait:alpha.test", "visible:alpha.test", "notice-lead:alpha.test",
                           "flip:alpha.test", "monitor:alpha.test", "spf-wait:alpha.test",
                           "finalize:alpha.test", "retain-wait:alpha.test"})
    ASSERT_TRUE(truth.contains(gate)) << gate;
  EXPECT_GE(truth.at("notice-lead:alpha.test"), minutes(4));
  EXPECT_GT(truth.at("retain-wait:alpha.test"), truth.at("flip:alpha.test") + minutes(8));
  struct Lie {
    const char* name;
    Event event;
  };
  const Lie lies[] = {
      {"a day ahead", [](ManualClock& c) { c.step_wall(hours(24)); }},
      {"a day back", [](ManualClock& c) { c.step_wall(-hours(24)); }},
      {"an hour ahead", [](ManualClock& c) { c.step_wall(hours(1)); }},
      {"off for a day", [](ManualClock& c) { c.reboot("boot-2", hours(24)); }},
      {"a boot with a wrong clock", [](ManualClock& c) { c.reboot("boot-2", -hours(24)); }}};
  for (const auto& lie : lies)
    for (const int when : {1, 6, 20}) {  // in the TTL's wait, in the notice's lead, after the flip
      const auto seen = openings(lie.event, when, kSummer);
      for (const auto& [step, at] : truth) {
        ASSERT_TRUE(seen.contains(step)) << lie.name << " at " << when << ": " << step;
        EXPECT_GE(seen.at(step), at) << lie.name << " at look " << when << ": " << step;
      }
    }
}

// Summer time begins while the run waits: nothing is said or counted in local time.
TEST(Clocks, SummerTimeChangesNothing) {
  const auto truth = openings([](ManualClock&) {}, -1, kSummer);
  const char* had = ::getenv("TZ");
  const std::string before = had == nullptr ? "" : had;
  ::setenv("TZ", "Europe/Berlin", 1);
  ::tzset();
  const auto seen = openings([](ManualClock&) {}, -1, kSummer);
  if (had == nullptr)
    ::unsetenv("TZ");
  else
    ::setenv("TZ", before.c_str(), 1);
  ::tzset();
  EXPECT_EQ(seen, truth);
}

}  // namespace
}  // namespace mxferry::pipeline
