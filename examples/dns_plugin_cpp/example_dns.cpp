// SPDX-License-Identifier: Apache-2.0
// A complete DNS plugin in one file. The API is made up: GET /zones/ZONE answers
//   {"records": [{"name": "a.example.", "type": "MX", "ttl": 300, "values": ["10 mx.example."]}]}
// PUT /zones/ZONE/NAME/TYPE takes {"ttl": 300, "values": […]}, and no values delete the set.
// One operation at a time per object; the host does all waiting, retrying and TLS.
#include <algorithm>
#include <mxferry/plugin.hpp>
#include <nlohmann/json.hpp>

namespace {

namespace sdk = mxferry::sdk;
using Json = nlohmann::json;

class ExampleDns final : public sdk::DnsPlugin {
 public:
  using DnsPlugin::DnsPlugin;

  sdk::Result<sdk::Zone> describe_zone(const std::string& name) override {
    MXF_TRY(sets, list_records(name));
    sdk::Zone zone;
    zone.name = name;
    for (const auto& set : sets)
      if (set.name == name && set.type == "NS")
        for (const auto& record : set.records) zone.name_servers.push_back(record.rdata);
    return zone;
  }

  // Either the whole zone or an error: an answer that cannot be understood is never an empty zone.
  sdk::Result<std::vector<sdk::RRset>> list_records(const std::string& zone) override {
    MXF_TRY(response, send("GET", "/zones/" + zone, ""));
    if (response.code != 200) return sdk::fail(failure(response));
    const auto json = Json::parse(response.body, nullptr, false);
    if (!json.is_object() || !json.contains("records") || !json["records"].is_array())
      return sdk::fail(MXF_REMOTE, "the answer has no list of records");
    std::vector<sdk::RRset> sets;
    for (const auto& item : json["records"]) {
      sdk::RRset set;
      if (!read(item, set))
        return sdk::fail(MXF_REMOTE, "a record set in the answer makes no sense");
      sets.push_back(std::move(set));
    }
    return sets;
  }

  sdk::Result<sdk::ApplyOutcome> apply(const std::string& zone,
                                       const std::vector<sdk::Change>& changes) override {
    auto current = list_records(zone);
    if (!current) return stopped(sdk::Applied::none, current.error());
    // This API has no compare-and-swap: look again, right before writing.
    for (const auto& change : changes)
      if (!holds(*current, change))
        return stopped(sdk::Applied::none,
                       {MXF_CONFLICT, change.any().name + " was changed by someone else"});
    for (std::size_t i = 0; i < changes.size(); ++i) {
      const auto& set = changes[i].any();
      Json body{{"values", Json::array()}};
      if (changes[i].after) {
        body["ttl"] = changes[i].after->ttl;
        for (const auto& record : changes[i].after->records) body["values"].push_back(record.rdata);
      }
      const auto before_this = i == 0 ? sdk::Applied::none : sdk::Applied::partial;
      auto response = send("PUT", "/zones/" + zone + "/" + set.name + "/" + set.type,
                           body.dump(-1, ' ', false, Json::error_handler_t::replace));
      if (!response)
        return stopped(sdk::Applied::unknown, response.error());  // it may have been done
      if (response->code >= 500) return stopped(sdk::Applied::unknown, failure(*response));
      if (response->code != 200) return stopped(before_this, failure(*response));
    }
    return sdk::ApplyOutcome{};
  }

 private:
  sdk::Result<sdk::HttpResponse> send(const std::string& method, const std::string& path,
                                      std::string body) {
    sdk::HttpRequest request;
    request.method = method;
    request.url = host().config_or("url", "") + path;
    request.headers = {{"Authorization", "Bearer ${secret:token}"},
                       {"Content-Type", "application/json"}};
    request.body = std::move(body);
    request.idempotent = method == "GET";
    return host().http(request);
  }

  static sdk::Failure failure(const sdk::HttpResponse& response) {
    sdk::Failure why;
    why.native_code = std::to_string(response.code);
    why.remote = response.body.substr(0, 2000);
    why.status = response.code == 401   ? MXF_AUTH
                 : response.code == 403 ? MXF_DENIED
                 : response.code == 404 ? MXF_NOT_FOUND
                 : response.code == 429 ? MXF_RATE_LIMITED
                 : response.code >= 500 ? MXF_REMOTE
                                        : MXF_INVALID;
    why.text = "the API refuses it";
    return why;
  }

  static bool read(const Json& item, sdk::RRset& set) {
    if (!item.is_object()) return false;
    for (const char* key : {"name", "type", "ttl", "values"})
      if (!item.contains(key)) return false;
    if (!item["name"].is_string() || !item["type"].is_string() ||
        !item["ttl"].is_number_unsigned() || !item["values"].is_array())
      return false;
    set.name = item["name"].get<std::string>();
    set.type = item["type"].get<std::string>();
    set.ttl = item["ttl"].get<std::uint32_t>();
    for (const auto& value : item["values"]) {
      if (!value.is_string()) return false;
      set.records.push_back({value.get<std::string>(), {}, {}});
    }
    return true;
  }

  static std::vector<std::string> sorted(const sdk::RRset& set) {
    std::vector<std::string> out;
    for (const auto& record : set.records) out.push_back(record.rdata);
    std::sort(out.begin(), out.end());
    return out;
  }
  static bool holds(const std::vector<sdk::RRset>& zone, const sdk::Change& change) {
    for (const auto& set : zone)
      if (set.name == change.any().name && set.type == change.any().type)
        return change.before && set.ttl == change.before->ttl &&
               sorted(set) == sorted(*change.before);
    return !change.before;
  }
  static sdk::Result<sdk::ApplyOutcome> stopped(sdk::Applied applied, sdk::Failure why) {
    sdk::ApplyOutcome outcome;
    outcome.applied = applied;
    outcome.why = std::move(why);
    return outcome;
  }
};

}  // namespace

MXF_DNS_PLUGIN("example-dns", ExampleDns)
