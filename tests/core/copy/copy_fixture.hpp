// SPDX-License-Identifier: Apache-2.0
// CopyFixture: two accounts in memory, a state, and the ways to run a copy between them. One
// thread.
#pragma once

#include <gtest/gtest.h>

#include "copy/copy_job.hpp"
#include "copy/memory_state.hpp"
#include "support/fake_mailbox.hpp"
#include "support/run_task.hpp"

namespace mxferry::copy {

using test::FakeMailbox;
using test::FakeServer;
using test::Fault;

inline std::string mail(int n, const std::string& body = "text\r\n") {
  return "Message-ID: <" + std::to_string(n) + "@x>\r\nSubject: s\r\n\r\n" + body;
}

template <class Port>
Task<Result<std::unique_ptr<Port>>> connect(FakeServer* server) {
  std::unique_ptr<Port> out = std::make_unique<FakeMailbox>(*server);
  co_return out;
}

class CopyFixture : public ::testing::Test {
 protected:
  CopyJob job_with(SyncState& durable) {
    CopyJob job;
    job.name = "test";
    job.open_source = [this] { return connect<MailSource>(&source); };
    job.open_target = [this] { return connect<MailTarget>(&target); };
    job.state = &durable;
    job.clock = &clock;
    job.options = options;
    return job;
  }
  Result<CopyReport> run(SyncState& durable) {
    auto job = job_with(durable);
    return test::run_task(run_copy(job));
  }
  Result<CopyReport> run() { return run(state); }
  Result<VerifyReport> verify() {
    auto job = job_with(state);
    return test::run_task(run_verify(job));
  }
  void SetUp() override {
    options.append_settle = Millis(30);
    options.backoff = Millis(1);
    source.folder("INBOX");
    target.folder("INBOX");
  }
  void fill(int n) {
    for (int i = 0; i < n; ++i) {
      imap::Flags flags;
      if (i % 2 == 0) flags.add("\\Seen");
      if (i % 3 == 0) flags.add("$Label");
      source.add(i % 4 == 0 ? "Work/2019" : "INBOX", mail(i), flags, 1'000'000 + i);
    }
    // Twins, and mail without any of the identifying fields.
    for (int i = 0; i < 3; ++i) source.add("INBOX", "Subject: twin\r\n\r\nsame\r\n");
    source.add("INBOX", "no header");
    source.add("INBOX", "X-A: b\r\n\r\nother\r\n");
  }
  void expect_equal() {
    for (const auto& [wire, folder] : source.folders) {
      EXPECT_EQ(target.bodies(wire), source.bodies(wire)) << wire;
    }
  }

  FakeServer source;
  FakeServer target;
  MemoryState state;
  SystemClock clock;
  CopyOptions options;
};

}  // namespace mxferry::copy
