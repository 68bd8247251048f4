// SPDX-License-Identifier: Apache-2.0
// The C++ wrapper seen through the C table, as the host sees it.
#include <gtest/gtest.h>

#include <mxferry/plugin.hpp>
#include <stdexcept>

namespace {

using namespace mxferry;  // NOLINT: a test

class Sample final : public sdk::DnsPlugin {
 public:
  using DnsPlugin::DnsPlugin;
  sdk::Result<std::vector<sdk::RRset>> list_records(const std::string& zone) override {
    if (zone == "throws.") throw std::runtime_error("boom");
    if (zone == "throws-int.") throw 7;
    if (zone == "fails.") return sdk::fail(MXF_AUTH, "refused", "their words", "401");
    sdk::RRset set{"a.", "MX", 60, "tag", {}};
    set.records.push_back({"10 b.", "id-1", "{}"});
    return std::vector<sdk::RRset>{set, set};
  }
  sdk::Result<sdk::ApplyOutcome> apply(const std::string&,
                                       const std::vector<sdk::Change>& changes) override {
    sdk::ApplyOutcome outcome;
    if (!changes.at(0).before) {
      outcome.applied = sdk::Applied::none;
      outcome.why = sdk::Failure{MXF_CONFLICT, "it is there"};
    } else {
      outcome.change_ids.push_back("c-" + changes[0].before->records.at(0).rdata);
    }
    return outcome;
  }
};

struct Recorded {
  mxf_status status = MXF_OK;
  std::string text, remote, code;
};
Recorded recorded;

mxf_host fake_host() {
  mxf_host h{};
  h.size = sizeof h;
  h.fail = [](const mxf_host*, const mxf_error* e) -> mxf_status {
    recorded = {e->status, sdk::text(e->text), sdk::text(e->remote_text),
                sdk::text(e->native_code)};
    return e->status;
  };
  return h;
}

class Wrapper : public testing::Test {
 protected:
  void SetUp() override {
    recorded = {};
    ASSERT_EQ(table->open(&host, &session), MXF_OK);
  }
  void TearDown() override { table->close(session); }
  mxf_status list(std::string_view zone) {
    seen = 0;
    count = 99;
    return table->list_records(
        session, sdk::str(zone),
        [](void* ctx, const mxf_rrset* s) {
          ++*static_cast<int*>(ctx);
          EXPECT_EQ(sdk::text(s->records[0].rdata), "10 b.");
        },
        &seen, &count);
  }
  mxf_host host = fake_host();
  const mxf_dns* table = sdk::detail::dns_table<Sample>();
  void* session = nullptr;
  int seen = 0;
  std::uint64_t count = 0;
};

TEST_F(Wrapper, SendsEverySetAndThenTheirNumber) {
  EXPECT_EQ(list("good."), MXF_OK);
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(count, 2U);
}

TEST_F(Wrapper, AnExceptionBecomesAPluginBug) {
  EXPECT_EQ(list("throws."), MXF_PLUGIN_BUG);
  EXPECT_EQ(recorded.text, "exception: boom");
  EXPECT_EQ(count, 99U) << "a failed list must not announce a number";
  EXPECT_EQ(list("throws-int."), MXF_PLUGIN_BUG);
}

TEST_F(Wrapper, AFailureKeepsItsParts) {
  EXPECT_EQ(list("fails."), MXF_AUTH);
  EXPECT_EQ(recorded.text, "refused");
  EXPECT_EQ(recorded.remote, "their words");
  EXPECT_EQ(recorded.code, "401");
}

TEST_F(Wrapper, ApplySaysHowFarItCameAlsoWhenItFails) {
  mxf_record record{sdk::str("10 x."), {}, {}};
  mxf_rrset set{};
  set.size = sizeof set;
  set.records = &record;
  set.record_count = 1;
  std::string id;
  const auto sink = [](void* ctx, mxf_str s) { *static_cast<std::string*>(ctx) = sdk::text(s); };
  std::int32_t applied = -1;
  mxf_change change{nullptr, &set};
  EXPECT_EQ(table->apply(session, sdk::str("z."), &change, 1, &applied, sink, &id), MXF_CONFLICT);
  EXPECT_EQ(applied, MXF_APPLIED_NONE);
  change = {&set, nullptr};
  EXPECT_EQ(table->apply(session, sdk::str("z."), &change, 1, &applied, sink, &id), MXF_OK);
  EXPECT_EQ(applied, MXF_APPLIED_ALL);
  EXPECT_EQ(id, "c-10 x.");
}

TEST_F(Wrapper, WhatIsNotOverriddenIsUnsupported) {
  EXPECT_EQ(table->list_zones(
                session, [](void*, const mxf_zone*) {}, nullptr),
            MXF_UNSUPPORTED);
}

}  // namespace
