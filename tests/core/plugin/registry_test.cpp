// SPDX-License-Identifier: Apache-2.0
// Scanning, trust and loading, with plugins that are compiled here: good ones, and each kind of bad
// one. The host lives through all of them.
#include "plugin/registry.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "plugin/plugins_lock.hpp"
#include "support/plugin_builder.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::plugin {
namespace {

namespace fs = std::filesystem;

// What list_records answers depends on the zone; the settings and host services are tried in
// start().
const char* const kGood = R"(
#include <mxferry/plugin.hpp>
#include <stdexcept>
using namespace mxferry::sdk;
class Sample final : public DnsPlugin {
 public:
  using DnsPlugin::DnsPlugin;
  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    if (zone == "throws.") throw std::runtime_error("boom");
    if (zone == "http.") {
      HttpRequest q;
      q.url = host().config_or("url", "") + "/x?k=${secret:key}";
      q.headers = {{"A", "${secret:key}"}, {"B", "Basic ${secret:key|base64}"}};
      q.body = "{\"k\":\"${secret:key}\",\"ttl\":60}";
      auto r = host().http(q);
      if (!r) return fail(r.error());
      return fail(MXF_REMOTE, "the key is " + host().secret("key").value(), "echo: " + r->body);
    }
    if (zone == "published.") {
      HttpRequest q;
      q.url = host().config_or("url", "") + "/records";
      q.body = "{\"type\":\"TXT\",\"content\":\"${secret:key}\"}";
      return fail(host().http(q).error());
    }
    if (zone == "elsewhere.") {
      HttpRequest q;
      q.url = "https://elsewhere.example/";
      auto r = host().http(q);
      return fail(r.error());
    }
    if (zone == "file.") {
      auto r = host().read_file("/etc/passwd");
      return fail(r.error());
    }
    RRset a{"a." + zone, "A", 60, "", {{"192.0.2.1", "", ""}}};
    if (zone == "twice.") return std::vector<RRset>{a, a};
    if (zone == "outside.") a.name = "a.b.";
    if (zone == "upper.") a.name = "A." + zone;
    if (zone == "nothing.") a.records.clear();
    return std::vector<RRset>{a};
  }
  Result<ApplyOutcome> apply(const std::string&, const std::vector<Change>& changes) override {
    if (!changes[0].before) {
      ApplyOutcome o;
      o.applied = Applied::none;
      o.why = Failure{MXF_CONFLICT, "changed meanwhile"};
      return o;
    }
    return ApplyOutcome{};
  }
};
MXF_DNS_PLUGIN("good", Sample)
)";

// A C plugin whose list_records sends one set and announces another number; everything else is
// null.
const char* const kBareC = R"(
#include <mxferry/abi.h>
static int session;
static mxf_status open_(const mxf_host* h, void** s) { (void)h; *s = &session; return MXF_OK; }
static void close_(void* s) { (void)s; }
static mxf_status list(void* s, mxf_str zone, void (*sink)(void*, const mxf_rrset*), void* ctx, uint64_t* count) {
  (void)s;
  mxf_record r = {{"192.0.2.1", 9}, {0, 0}, {0, 0}};
  mxf_rrset set = {sizeof(mxf_rrset), 60, zone, {"A", 1}, {0, 0}, &r, 1};
  sink(ctx, &set);
  if (zone.len > 5) *count = 2;
  return MXF_OK;
}
static const mxf_dns dns = {sizeof(mxf_dns), 0, open_, close_, 0, 0, list, 0, 0};
static const void* kind(const char* k) { (void)k; return &dns; }
static const mxf_plugin plugin = {sizeof(mxf_plugin), ABI_MAJOR, ABI_MINOR, 0, ID, kind};
MXF_EXPORT const mxf_plugin* mxf_plugin_entry(uint32_t major, uint32_t minor) { (void)major; (void)minor; return &plugin; }
)";

std::string bare(const std::string& id, const std::string& major = "0",
                 const std::string& minor = "1") {
  return "#define ID \"" + id + "\"\n#define ABI_MAJOR " + major + "u\n#define ABI_MINOR " + minor +
         "u\n" + kBareC;
}

class Plugins : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir = new test::TempDir;
    ASSERT_TRUE(test::build_plugin(
        dir->path(), "good", kGood,
        test::sample_manifest(
            "good",
            R"(,"config":[{"name":"url","type":"url","default":"https://api.example","description":"d"}],
                              "secrets":[{"name":"key","description":"d","field":"k"}])")));
    ASSERT_TRUE(trust_library(*dir / "good/good.so"));
  }
  static void TearDownTestSuite() { delete dir; }
  void build(const std::string& id, const std::string& source, const std::string& manifest,
             const std::string& language = "c") {
    ASSERT_TRUE(test::build_plugin(dir->path(), id, source, manifest, language));
    const auto trusted = trust_library(*dir / (id + "/" + id + ".so"));
    ASSERT_TRUE(trusted) << trusted.error().message();
  }
  Result<std::unique_ptr<DnsApi>> open(const std::string& id, Secrets secrets = {},
                                       HostOptions options = {}) {
    return Registry::scan({dir->path()}).open_dns(id, {}, std::move(secrets), std::move(options));
  }
  Result<std::unique_ptr<DnsApi>> good(HostOptions options = {}) {
    return open("good", {{"key", Secret("s3cr\"t/key")}}, std::move(options));
  }
  static test::TempDir* dir;
};
test::TempDir* Plugins::dir = nullptr;

TEST_F(Plugins, AGoodPluginListsAndWrites) {
  auto api = good();
  ASSERT_TRUE(api) << api.error().message();
  EXPECT_EQ((*api)->traits().atomic, "batch");
  const auto zone = (*api)->list_records("z.", {});
  ASSERT_TRUE(zone) << zone.error().message();
  ASSERT_EQ(zone->rrsets.size(), 1U);
  EXPECT_EQ(zone->rrsets[0].name, "a.z.");
  ZoneChange change{zone->rrsets[0], zone->rrsets[0]};
  const auto done = (*api)->apply("z.", {&change, 1}, {});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->applied, Applied::all);
  change.before.reset();
  const auto conflict = (*api)->apply("z.", {&change, 1}, {});
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().code, ErrorCode::conflict);
  EXPECT_NE(conflict.error().text.find("nothing was changed"), std::string::npos);
  EXPECT_EQ((*api)->list_zones({}).error().code, ErrorCode::unsupported);
}

TEST_F(Plugins, AnExceptionIsNamedAndTheSessionGoesOn) {
  auto api = good();
  ASSERT_TRUE(api);
  const auto thrown = (*api)->list_records("throws.", {});
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code, ErrorCode::plugin);
  EXPECT_NE(thrown.error().message().find("good"), std::string::npos);
  EXPECT_NE(thrown.error().message().find("boom"), std::string::npos);
  EXPECT_TRUE((*api)->list_records("z.", {}));
}

TEST_F(Plugins, AnswersThatBreakTheContractAreNeverAZone) {
  auto api = good();
  ASSERT_TRUE(api);
  for (const std::string zone : {"twice.", "outside.", "upper.", "nothing."}) {
    const auto result = (*api)->list_records(zone, {});
    ASSERT_FALSE(result) << zone;
    EXPECT_EQ(result.error().code, ErrorCode::plugin) << zone;
  }
}

TEST_F(Plugins, ACountThatDoesNotMatchOrIsMissingIsAnError) {
  build("counts", bare("counts"), test::sample_manifest("counts"));
  auto api = open("counts");
  ASSERT_TRUE(api) << api.error().message();
  for (const std::string zone : {"a.", "longer."}) {
    const auto result = (*api)->list_records(zone, {});
    ASSERT_FALSE(result) << zone;
    EXPECT_EQ(result.error().code, ErrorCode::plugin);
    EXPECT_NE(result.error().text.find("not complete"), std::string::npos);
  }
  EXPECT_EQ((*api)->apply("a.", {}, {}).error().code, ErrorCode::unsupported);
}

TEST_F(Plugins, SecretsAreFilledByTheHostAndComeBackFromNowhere) {
  net::HttpRequest seen;
  HostOptions options;
  options.http = [&](const net::HttpRequest& q) -> Result<net::HttpResponse> {
    seen = q;
    net::HttpResponse r;
    r.code = 200;
    r.body = "you sent " + q.headers.at(0).value + " and " + q.url;
    return r;
  };
  auto api = good(options);
  ASSERT_TRUE(api);
  const auto result = (*api)->list_records("http.", {});
  EXPECT_EQ(seen.url, "https://api.example/x?k=s3cr%22t%2Fkey");
  EXPECT_EQ(seen.headers.at(0).value, "s3cr\"t/key");
  EXPECT_EQ(seen.headers.at(1).value, "Basic czNjciJ0L2tleQ==");
  EXPECT_EQ(seen.body, R"({"k":"s3cr\"t/key","ttl":60})");
  ASSERT_FALSE(result);
  const auto all = result.error().text + result.error().remote + result.error().message();
  EXPECT_EQ(all.find("s3cr"), std::string::npos) << all;
  EXPECT_NE(result.error().text.find("the key is [secret key]"), std::string::npos);
}

TEST_F(Plugins, ASecretInARecordIsNotSent) {
  HostOptions options;
  options.http = [](const net::HttpRequest& q) -> Result<net::HttpResponse> {
    ADD_FAILURE() << "a request left: " << q.body;
    return net::HttpResponse{};
  };
  auto api = good(options);
  ASSERT_TRUE(api);
  const auto result = (*api)->list_records("published.", {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::plugin);
  EXPECT_NE(result.error().text.find("content"), std::string::npos) << result.error().message();
}

TEST_F(Plugins, OnlyWhatTheSettingsNameCanBeReached) {
  HostOptions options;
  options.http = [](const net::HttpRequest&) -> Result<net::HttpResponse> {
    ADD_FAILURE() << "a request left";
    return net::HttpResponse{};
  };
  auto api = good(options);
  ASSERT_TRUE(api);
  EXPECT_EQ((*api)->list_records("elsewhere.", {}).error().code, ErrorCode::plugin);
  EXPECT_EQ((*api)->list_records("file.", {}).error().code, ErrorCode::plugin);
}

TEST_F(Plugins, ACancelledOperationSaysSo) {
  auto api = good();
  ASSERT_TRUE(api);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ((*api)->list_records("http.", stop.get_token()).error().code, ErrorCode::cancelled);
}

TEST_F(Plugins, SessionsRunSideBySide) {
  const auto registry = Registry::scan({dir->path()});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&registry, i] {
      auto api = registry.open_dns("good", {}, {{"key", Secret("k" + std::to_string(i))}});
      ASSERT_TRUE(api);
      for (int n = 0; n < 50; ++n)
        ASSERT_TRUE((*api)->list_records("z" + std::to_string(i) + ".", {}));
    });
  for (auto& t : threads) t.join();
}

TEST_F(Plugins, AnotherAbiMajorIsNamedAndRefused) {
  build("major", bare("major", "7"), test::sample_manifest("major"));
  const auto by_entry = open("major");
  ASSERT_FALSE(by_entry);
  EXPECT_EQ(by_entry.error().code, ErrorCode::plugin);
  EXPECT_NE(by_entry.error().message().find("ABI 7.x"), std::string::npos)
      << by_entry.error().message();
  build("declared", bare("declared"), test::sample_manifest("declared", {}, "7.0"));
  EXPECT_NE(open("declared").error().message().find("ABI 7.0"), std::string::npos);
  build("minor", bare("minor", "0", "99"), test::sample_manifest("minor"));
  EXPECT_NE(open("minor").error().message().find("ABI 0.99"), std::string::npos);
}

TEST_F(Plugins, AWrongIdAThrowingEntryAndNoLibraryAreNamedAndRefused) {
  build("wrong-id", bare("somebody-else"), test::sample_manifest("wrong-id"));
  EXPECT_NE(open("wrong-id").error().message().find("somebody-else"), std::string::npos);
  build("throwing",
        "#include <mxferry/abi.h>\n#include <stdexcept>\nextern \"C\" MXF_EXPORT const mxf_plugin* "
        "mxf_plugin_entry(uint32_t, uint32_t) { throw std::runtime_error(\"boom at start\"); }",
        test::sample_manifest("throwing"), "c++");
  EXPECT_NE(open("throwing").error().message().find("boom at start"), std::string::npos);
  build("no-entry", "int x;", test::sample_manifest("no-entry"));
  EXPECT_NE(open("no-entry").error().message().find("mxf_plugin_entry"), std::string::npos);
  std::ofstream(*dir / "no-entry/no-entry.so", std::ios::trunc) << "not a library";
  ASSERT_TRUE(trust_library(*dir / "no-entry/no-entry.so"));
  EXPECT_EQ(open("no-entry").error().code, ErrorCode::plugin);
  build("refuses",
        "#include <mxferry/abi.h>\nMXF_EXPORT const mxf_plugin* mxf_plugin_entry(uint32_t a, "
        "uint32_t b) { (void)a; "
        "(void)b; return 0; }",
        test::sample_manifest("refuses"));
  EXPECT_NE(open("refuses").error().message().find("refuses this host"), std::string::npos);
}

TEST_F(Plugins, OnlyBytesThatTheLockNamesAreMapped) {
  build("locked", bare("locked"), test::sample_manifest("locked"));
  ASSERT_TRUE(open("locked"));
  std::ofstream(*dir / "locked/locked.so", std::ios::app) << "x";
  const auto changed = open("locked");
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::gate);
  EXPECT_NE(changed.error().remedy.find("mxferry plugins trust"), std::string::npos);

  const test::TempDir other;
  ASSERT_TRUE(test::build_plugin(other.path(), "untrusted", bare("untrusted"),
                                 test::sample_manifest("untrusted"), "c"));
  EXPECT_EQ(Registry::scan({other.path()}).open_dns("untrusted", {}, {}).error().code,
            ErrorCode::gate);
}

TEST_F(Plugins, AFolderThatOthersMayWriteIsRefused) {
  build("writable", bare("writable"), test::sample_manifest("writable"));
  for (const fs::path& path :
       {*dir / "writable", *dir / "writable/writable.so", *dir / "writable/plugin.json"}) {
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
    const auto refused = open("writable");
    ASSERT_FALSE(refused) << path;
    EXPECT_EQ(refused.error().code, ErrorCode::gate);
    EXPECT_NE(refused.error().remedy.find("chmod go-w"), std::string::npos);
    ASSERT_EQ(::chmod(path.c_str(), info.st_mode & 07777U), 0);
  }
  EXPECT_TRUE(open("writable"));
}

TEST_F(Plugins, ABrokenManifestIsAProblemAndTheRestGoesOn) {
  const test::TempDir other;
  fs::create_directories(other / "broken");
  std::ofstream(other / "broken/plugin.json") << "{\n  \"schema\": 1,,\n}";
  const auto registry = Registry::scan({dir->path(), other.path(), other / "not-there"});
  ASSERT_NE(registry.find("good"), nullptr);
  ASSERT_EQ(registry.problems().size(), 1U);
  EXPECT_NE(registry.problems()[0].error.text.find("plugin.json:2:15"), std::string::npos)
      << registry.problems()[0].error.text;
  EXPECT_EQ(registry.open_dns("broken", {}, {}).error().code, ErrorCode::config);
  EXPECT_EQ(registry.open_dns("gone", {}, {}).error().code, ErrorCode::config);
  EXPECT_EQ(registry.open_provider("good", {}, {}).error().code, ErrorCode::config);
  EXPECT_EQ(registry.profile("good"), nullptr);
}

}  // namespace
}  // namespace mxferry::plugin
