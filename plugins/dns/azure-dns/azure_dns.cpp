// SPDX-License-Identifier: Apache-2.0
// DNS plugin `azure-dns`: Azure Resource Manager, Microsoft.Network/dnsZones, 2018-05-01. A record
// set is written whole with If-Match of its ETag, a new one with If-None-Match: the API itself
// refuses a stale write. One operation at a time.
#include <mxferry/http_dns.hpp>

namespace azure_dns {
namespace {

using namespace mxferry::sdk;

constexpr const char* kVersion = "api-version=2018-05-01";

// The member of `properties` that holds a type's records, and the member of each that holds the
// data of types with one field.
struct Shape {
  std::string_view type;
  const char* list;
  const char* field;
};
constexpr Shape kShapes[] = {
    {"A", "ARecords", "ipv4Address"}, {"AAAA", "AAAARecords", "ipv6Address"},
    {"NS", "NSRecords", "nsdname"},   {"PTR", "PTRRecords", "ptrdname"},
    {"MX", "MXRecords", nullptr},     {"TXT", "TXTRecords", nullptr},
    {"SRV", "SRVRecords", nullptr}};

const Shape* shape_of(std::string_view type) {
  for (const auto& shape : kShapes)
    if (shape.type == type) return &shape;
  return nullptr;
}

class AzureDns final : public RRsetDns {
 public:
  explicit AzureDns(Host host) : RRsetDns(host, 1) {}

  Result<void> start() override {
    MXF_CHECK(RRsetDns::start());
    const auto setting = [&](const char* name) { return percent(host().config_or(name, "")); };
    zones_ = "/subscriptions/" + setting("subscription") + "/resourceGroups/" +
             setting("resource_group") + "/providers/Microsoft.Network/dnsZones";
    login_ = host().config_or("login_url", "");
    while (login_.ends_with('/')) login_.pop_back();
    login_ += "/" + setting("tenant") + "/oauth2/v2.0/token";
    client_id_ = setting("client_id");
    return {};
  }

  Result<std::vector<Zone>> list_zones() override {
    std::vector<Zone> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      Zone zone;
      MXF_TRY(name, text_at(item, "name"));
      const auto* properties = member(item, "properties");
      if (properties == nullptr) return nonsense("a zone without properties");
      MXF_TRY(servers, array_at(*properties, "nameServers"));
      zone.name = lower(name) + ".";
      zone.id = name;
      zone.min_ttl = 1;
      for (const auto& server : servers)
        if (server.is_string())
          zone.name_servers.push_back(lower(with_dot(server.get<std::string>())));
      out.push_back(std::move(zone));
      return {};
    };
    MXF_CHECK(pages(zones_ + "?" + kVersion, "the list of zones", keep));
    return out;
  }

  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    std::vector<RRset> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(set, rrset_of(item, zone));
      if (find_set(out, set.name, set.type) != nullptr)
        return nonsense("a record set that stands twice: " + set.name);
      out.push_back(std::move(set));
      return {};
    };
    MXF_CHECK(pages(path_of(zone) + "/recordsets?" + kVersion, "the records of " + zone, keep));
    if (out.empty()) return nonsense("a zone without any record");
    return out;
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    MXF_CHECK(fetch_token());
    return std::vector<Header>{{"Authorization", "Bearer " + token_}};
  }
  Failure explain(const HttpResponse& response, const std::string& what) const override {
    auto why = failure_of(response, what);
    if (const auto at = why.remote.find(token_); !token_.empty() && at != std::string::npos)
      why.remote.replace(at, token_.size(), "[token]");
    return why;
  }
  Result<void> storable(const RRset& set, const Record&) override {
    MXF_TRY(body, properties_of(set));
    return {};
  }

  Result<void> put(const std::string& zone, const RRset& now, const RRset* had) override {
    MXF_TRY(properties, properties_of(now));
    if (had != nullptr && !had->records.empty())
      if (const auto extra = extra_of(had->records.front().extra);
          member(extra, "metadata") != nullptr)
        properties["metadata"] = extra["metadata"];
    const Header condition =
        had == nullptr ? Header{"If-None-Match", "*"} : Header{"If-Match", had->etag};
    MXF_TRY(done, change_json(now.name + " " + now.type, "PUT", set_path(zone, now),
                              Json{{"properties", properties}}, "properties", {condition}));
    return {};
  }
  Result<void> erase(const std::string& zone, const RRset& had) override {
    MXF_TRY(done, change_json(had.name + " " + had.type, "DELETE", set_path(zone, had), {}, "",
                              {{"If-Match", had.etag}}));
    return {};
  }

 private:
  std::string path_of(const std::string& zone) const {
    return zones_ + "/" + percent(without_dot(zone));
  }
  std::string set_path(const std::string& zone, const RRset& set) const {
    return path_of(zone) + "/" + set.type + "/" + percent(relative_name(set.name, zone, "@"), "@") +
           "?" + kVersion;
  }

  Result<void> fetch_token() {
    const auto now = host().now_ms() / 1000;
    if (!token_.empty() && now < token_expires_) return {};
    HttpRequest q;
    q.method = "POST";
    q.url = login_;
    q.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    q.body = "grant_type=client_credentials&client_id=" + client_id_ +
             "&client_secret=${secret:client_secret}"
             "&scope=https%3A%2F%2Fmanagement.azure.com%2F.default";
    q.idempotent = true;
    MXF_TRY(response, host().http(q));
    if (response.code != 200) {
      auto why = failure_of(response, "a token");
      if (response.code == 400) why.status = MXF_AUTH;
      return fail(std::move(why));
    }
    MXF_TRY(json, parsed(response.body, "the token"));
    MXF_TRY(token, text_at(json, "access_token"));
    const auto* given = member(json, "expires_in");
    // The older endpoint writes the number as a text.
    const auto seconds = given != nullptr && given->is_number_unsigned()
                             ? given->get<std::int64_t>()
                             : (given != nullptr && given->is_string()
                                    ? std::atoll(given->get<std::string>().c_str())
                                    : 0);
    if (seconds <= 0) return nonsense("a token without expires_in");
    token_ = token;
    token_expires_ = now + seconds - 60;
    return {};
  }

  // nextLink is absolute; it is followed only below our own base.
  Result<void> pages(const std::string& path, const std::string& what,
                     const std::function<Result<void>(const Json&)>& item) {
    const auto page = [&](const std::string& here) -> Result<std::string> {
      MXF_TRY(json, ask_json(what, here));
      MXF_TRY(list, array_at(json, "value"));
      for (const auto& one : list) MXF_CHECK(item(one));
      // There is no total: a text that is not known here might say that there is more.
      for (const auto& [name, value] : json.items())
        if (value.is_string() && name != "nextLink" && !name.starts_with("@odata"))
          return nonsense("a listing with an unknown " + name);
      const auto* next = member(json, "nextLink");
      if (next == nullptr || next->is_null()) return std::string();
      MXF_TRY(link, text_at(json, "nextLink"));
      if (!link.empty() && !link.starts_with(base_ + "/"))
        return nonsense("its next page lies elsewhere");
      return link;
    };
    return each_page(path, page);
  }

  static Result<RRset> rrset_of(const Json& item, const std::string& zone) {
    RRset set;
    MXF_TRY(name, text_at(item, "name"));
    MXF_TRY(full_type, text_at(item, "type"));
    MXF_TRY(etag, text_at(item, "etag"));
    const auto* properties = member(item, "properties");
    if (properties == nullptr) return nonsense("a record set without properties");
    MXF_TRY(ttl, number_at(*properties, "TTL"));
    set.name = absolute_name(name, zone);
    set.type = full_type.substr(full_type.rfind('/') + 1);
    set.ttl = ttl;
    set.etag = etag;
    Json extra = Json::object();
    if (const auto* metadata = member(*properties, "metadata");
        metadata != nullptr && metadata->is_object() && !metadata->empty())
      extra["metadata"] = *metadata;
    const auto* target = member(*properties, "targetResource");
    if (target != nullptr && target->is_object() && !target->empty())
      extra["locked"] = "it is an alias record set of Azure";
    MXF_TRY(data, data_of(set.type, *properties));
    if (data.empty() && extra.contains("locked")) data.push_back("?");
    for (auto& rdata : data)
      set.records.push_back(
          {std::move(rdata), {}, set.records.empty() ? extra_text(extra) : std::string()});
    if (set.records.empty()) return nonsense("a record set without records: " + set.name);
    return set;
  }

  static Result<std::vector<std::string>> data_of(const std::string& type, const Json& properties) {
    std::vector<std::string> out;
    if (type == "CNAME" || type == "SOA") {
      const auto* record = member(properties, type == "SOA" ? "SOARecord" : "CNAMERecord");
      if (record == nullptr) return out;
      if (type == "CNAME") {
        MXF_TRY(host, text_at(*record, "cname"));
        out.push_back(with_dot(host));
        return out;
      }
      MXF_TRY(host, text_at(*record, "host"));
      MXF_TRY(email, text_at(*record, "email"));
      std::string line = with_dot(host) + " " + with_dot(email);
      for (const char* key :
           {"serialNumber", "refreshTime", "retryTime", "expireTime", "minimumTTL"}) {
        MXF_TRY(number, number_at(*record, key, 0xffffffffU));
        line += " " + std::to_string(number);
      }
      out.push_back(line);
      return out;
    }
    const auto* shape = shape_of(type);
    if (shape == nullptr) {  // CAA and what is to come: shown, never written
      out.push_back("?");
      return out;
    }
    if (member(properties, shape->list) == nullptr) return out;
    MXF_TRY(list, array_at(properties, shape->list));
    for (const auto& one : list) {
      if (shape->field != nullptr) {
        MXF_TRY(value, text_at(one, shape->field));
        out.push_back(host_completed(type, value));
      } else if (type == "MX") {
        MXF_TRY(preference, number_at(one, "preference", 65535));
        MXF_TRY(exchange, text_at(one, "exchange"));
        out.push_back(std::to_string(preference) + " " + with_dot(exchange));
      } else if (type == "SRV") {
        std::string line;
        for (const char* key : {"priority", "weight", "port"}) {
          MXF_TRY(number, number_at(one, key, 65535));
          line += std::to_string(number) + " ";
        }
        MXF_TRY(target, text_at(one, "target"));
        out.push_back(line + with_dot(target));
      } else {
        MXF_TRY(strings, array_at(one, "value"));
        std::string line;
        for (const auto& string : strings) {
          if (!string.is_string()) return nonsense("a TXT of something else than texts");
          line += (line.empty() ? "" : " ") + txt_rdata(string.get<std::string>());
        }
        if (line.empty()) return nonsense("a TXT without a text");
        out.push_back(line);
      }
    }
    return out;
  }

  static Result<Json> properties_of(const RRset& set) {
    Json list = Json::array();
    const auto* shape = shape_of(set.type);
    for (const auto& record : set.records) {
      const auto words = fields_of(record.rdata);
      if (set.type == "CNAME")
        return Json{{"TTL", set.ttl}, {"CNAMERecord", {{"cname", record.rdata}}}};
      if (shape == nullptr)
        return fail(MXF_UNSUPPORTED, "this plugin does not write records of this type");
      if (shape->field != nullptr) {
        list.push_back({{shape->field, record.rdata}});
      } else if (set.type == "MX") {
        if (words.size() != 2 || words[1] == ".")
          return fail(MXF_INVALID, "this API stores no null MX");
        list.push_back({{"preference", std::atoi(words[0].c_str())}, {"exchange", words[1]}});
      } else if (set.type == "SRV") {
        if (words.size() != 4) return fail(MXF_INVALID, "an SRV record has four fields");
        list.push_back({{"priority", std::atoi(words[0].c_str())},
                        {"weight", std::atoi(words[1].c_str())},
                        {"port", std::atoi(words[2].c_str())},
                        {"target", words[3]}});
      } else {
        TxtRules rules;
        rules.most = 1024;
        rules.outer_blanks = true;
        MXF_TRY(text, plain_txt(record.rdata, rules));
        Json strings = Json::array();
        for (std::size_t at = 0; at < text.size(); at += 255)
          strings.push_back(text.substr(at, 255));
        list.push_back({{"value", strings}});
      }
    }
    return Json{{"TTL", set.ttl}, {shape->list, list}};
  }

  std::string zones_, login_, client_id_;
  std::string token_;
  std::int64_t token_expires_ = 0;  // Unix seconds
};

}  // namespace
}  // namespace azure_dns

MXF_DNS_PLUGIN("azure-dns", azure_dns::AzureDns)
