// SPDX-License-Identifier: Apache-2.0
// What every DNS plugin is tested for, once: a plugin's own test names its fake API in a row
// (INSTANTIATE_TEST_SUITE_P(…, EveryDnsPlugin, …)) and adds only what is special about it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <ostream>

#include "dns/change_set.hpp"
#include "plugin/registry.hpp"
#include "support/fake_zone.hpp"

namespace mxferry::plugin {

struct DnsPluginRow {
  std::string plugin;
  std::string path;  // of the API behind its host: /client/v4
  Config config;     // beside url
  std::map<std::string, std::string> secrets;
  std::function<std::unique_ptr<test::FakeDnsApi>()> api;
  std::uint32_t low = 300;      // seconds; a TTL that the API takes
  std::string recorded{};       // folder of its recorded exchanges
  std::string recorded_zone{};  // whose listing they hold
  bool swaps_cname = false;     // a CNAME and a TXT of one name change places in one step
  Config more_urls{};           // settings of type url beside `url`: name -> path
  bool single_records = false;  // one request per record: a set may stand half changed
  std::map<std::string, std::string> not_recorded{};  // path -> answer that the recordings lack
  bool bare_list = false;  // a listing is a list and nothing else: [] may be its end
};
inline std::ostream& operator<<(std::ostream& out, const DnsPluginRow& row) {
  return out << row.plugin;
}
inline std::string row_name(const testing::TestParamInfo<DnsPluginRow>& info) {
  std::string out = info.param.plugin;
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

/// The plugin as the loader opens it, in front of its fake API; every request is kept.
class EveryDnsPlugin : public testing::TestWithParam<DnsPluginRow> {
 protected:
  using Answer = Result<net::HttpResponse>;
  void SetUp() override;

  /// `before` may answer in the API's place; `after` may alter what it said.
  std::function<std::optional<Answer>(const test::ApiRequest&, bool writes)> before;
  std::function<void(net::HttpResponse&, bool writes)> after;

  ZoneSnapshot read();
  /// A new session on the same API.
  std::unique_ptr<DnsApi> open_again();
  Result<std::vector<ZoneChange>> apply(std::vector<DnsEdit> edits);
  /// Sums up what went wrong in the eyes of the world.
  void expect_no_bad_moment() const;
  std::size_t writes() const { return writes_; }
  /// Name, type, TTL and data of every record, sorted, TXT by its bytes.
  static std::vector<std::string> shape(const ZoneSnapshot& zone);

  std::unique_ptr<test::FakeDnsApi> fake;
  std::unique_ptr<DnsApi> api;
  std::string zone = "example.test.";
  std::vector<std::string> asked;  // method and path, no query

 private:
  Answer serve(const net::HttpRequest& q);
  std::size_t writes_ = 0;
};

/// The plugin of this row at another base; `http` null: over the network.
Result<std::unique_ptr<DnsApi>> open_row(
    const DnsPluginRow& row, const std::string& base,
    std::function<Result<net::HttpResponse>(const net::HttpRequest&)> http);

/// Edits of the four steps of a cutover: lower, flip, raise, and everything back.
struct CutoverEdits {
  std::vector<DnsEdit> lower, flip, raise, back;
};
CutoverEdits cutover_edits(const std::string& zone, std::uint32_t low);

}  // namespace mxferry::plugin
