// SPDX-License-Identifier: Apache-2.0
// DNS plugin `godaddy`: Domains API v1. PUT to records/TYPE/NAME replaces one RRset; PUT without a
// name would replace every record of that type and is never sent. Hosts have no final dot, "@" is
// the zone. One operation at a time.
#include <mxferry/http_dns.hpp>

namespace godaddy {
namespace {

using namespace mxferry::sdk;

constexpr std::size_t kPage = 500;

class GoDaddy final : public RRsetDns {
 public:
  explicit GoDaddy(Host host) : RRsetDns(host, 600) {}

  // The listing is without contact data; /domains/NAME is not.
  Result<std::vector<Zone>> list_zones() override {
    std::vector<Zone> out;
    const auto page = [&](const std::string& here) -> Result<std::string> {
      MXF_TRY(json, ask_json("the list of domains", here));
      if (!json.is_array()) return nonsense("the list of domains is none");
      for (const auto& item : json) {
        MXF_TRY(name, text_at(item, "domain"));
        out.push_back({lower(name) + ".", name, {}, 600, {}});
      }
      if (json.size() < kPage) return std::string();
      return "/domains?limit=500&marker=" + percent(out.back().id);
    };
    MXF_CHECK(each_page("/domains?limit=500", page));
    return out;
  }

  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    std::vector<StoredRecord> records;
    const std::string first = zone_path(zone) + "/records?limit=500&offset=";
    const auto page = [&](const std::string& here) -> Result<std::string> {
      MXF_TRY(json, ask_json("the records of " + zone, here));
      if (!json.is_array()) return nonsense("the records of " + zone + " are no list");
      for (const auto& item : json) {
        MXF_TRY(record, stored(item, zone));
        for (const auto& have : records)
          if (have.name == record.name && have.type == record.type && have.rdata == record.rdata)
            return nonsense("a record that stands twice: " + record.name);
        records.push_back(std::move(record));
      }
      if (json.size() < kPage) return std::string();
      return first + std::to_string(records.size());
    };
    MXF_CHECK(each_page(first + "0", page));
    if (records.empty()) return nonsense("a zone without any record");
    return grouped(records);
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"Authorization", "sso-key ${secret:key}:${secret:secret}"}};
  }

  Failure explain(const HttpResponse& response, const std::string& what) const override {
    auto why = failure_of(response, what);
    if (response.code == 403 && why.native_code.find("ACCESS_DENIED") != std::string::npos)
      why.text =
          "this account may not use the API: GoDaddy opens it only to accounts with ten domains or "
          "more, or with Discount Domain Club Premier";
    if (why.native_code.find("UNABLE_TO_AUTHENTICATE") != std::string::npos) why.status = MXF_AUTH;
    return why;
  }

  Result<void> storable(const RRset& set, const Record& record) override {
    MXF_TRY(item, item_of(set, record));
    return {};
  }
  Result<void> put(const std::string& zone, const RRset& now, const RRset*) override {
    Json items = Json::array();
    for (const auto& record : now.records) {
      MXF_TRY(item, item_of(now, record));
      items.push_back(std::move(item));
    }
    MXF_TRY(done, change_json(now.name + " " + now.type, "PUT", set_path(zone, now), items, ""));
    return {};
  }
  Result<void> erase(const std::string& zone, const RRset& had) override {
    MXF_TRY(done,
            change_json(had.name + " " + had.type, "DELETE", set_path(zone, had), Json(), ""));
    return {};
  }

 private:
  static std::string zone_path(const std::string& zone) {
    return "/domains/" + percent(without_dot(zone));
  }
  static std::string set_path(const std::string& zone, const RRset& set) {
    return zone_path(zone) + "/records/" + set.type + "/" +
           percent(relative_name(set.name, zone, "@"), "@");
  }

  static Result<StoredRecord> stored(const Json& item, const std::string& zone) {
    StoredRecord out;
    MXF_TRY(name, text_at(item, "name"));
    MXF_TRY(type, text_at(item, "type"));
    MXF_TRY(data, text_at(item, "data"));
    MXF_TRY(ttl, number_at(item, "ttl"));
    out.name = absolute_name(name, zone);
    out.type = type;
    out.ttl = ttl;
    out.rdata = type == "TXT" ? txt_rdata(data) : data == "@" ? zone : host_completed(type, data);
    if (type == "MX" || type == "SRV") {
      MXF_TRY(priority, number_at(item, "priority", 65535));
      std::string head = std::to_string(priority) + " ";
      if (type == "SRV") {
        MXF_TRY(weight, number_at(item, "weight", 65535));
        MXF_TRY(port, number_at(item, "port", 65535));
        MXF_TRY(service, text_at(item, "service"));
        MXF_TRY(protocol, text_at(item, "protocol"));
        head += std::to_string(weight) + " " + std::to_string(port) + " ";
        out.name = lower(service) + "." + lower(protocol) + "." + out.name;
        out.extra = locked_extra("SRV records are not written by this plugin");
      }
      out.rdata.insert(0, head);
    }
    if (out.name.starts_with("_domainconnect."))
      out.extra = locked_extra("GoDaddy needs it for Domain Connect");
    return out;
  }

  static Result<Json> item_of(const RRset& set, const Record& record) {
    Json out = {{"data", without_dot(record.rdata)}, {"ttl", set.ttl}};
    const auto words = fields_of(record.rdata);
    if (set.type == "TXT") {
      TxtRules rules;
      rules.most = 1024;
      rules.forbidden = "\"\\";
      MXF_TRY(text, plain_txt(record.rdata, rules));
      out["data"] = text;
    } else if (set.type == "MX") {
      if (words.size() != 2 || words[1] == ".")
        return fail(MXF_INVALID, "this API stores no null MX");
      out["data"] = without_dot(words[1]);
      out["priority"] = std::atoi(words[0].c_str());
    } else if (set.type != "A" && set.type != "AAAA" && set.type != "CNAME" && set.type != "NS") {
      return fail(MXF_UNSUPPORTED, "this plugin does not write records of this type");
    }
    return out;
  }
};

}  // namespace
}  // namespace godaddy

MXF_DNS_PLUGIN("godaddy", godaddy::GoDaddy)
