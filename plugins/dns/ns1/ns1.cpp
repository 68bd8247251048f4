// SPDX-License-Identifier: Apache-2.0
// DNS plugin `ns1`: NS1 API v1. A record there is a whole RRset: PUT creates, POST changes, DELETE
// removes. The listing has short answers only, so each record is read in full before it is
// changed, and left alone where it has more than answers. One operation at a time.
#include <mxferry/http_dns.hpp>

namespace ns1 {
namespace {

using namespace mxferry::sdk;

class Ns1 final : public RRsetDns {
 public:
  explicit Ns1(Host host) : RRsetDns(host, 0) {}

  Result<std::vector<Zone>> list_zones() override {
    MXF_TRY(json, ask_json("the list of zones", "/zones"));
    if (!json.is_array()) return nonsense("the list of zones is none");
    std::vector<Zone> out;
    for (const auto& item : json) {
      MXF_TRY(zone, zone_of(item));
      out.push_back(std::move(zone));
    }
    return out;
  }
  Result<Zone> describe_zone(const std::string& name) override {
    MXF_TRY(json, ask_json("zone " + name, zone_path(name)));
    MXF_TRY(zone, zone_of(json));
    if (zone.name != name) return nonsense("asked for zone " + name + ", got another");
    return zone;
  }

  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    MXF_TRY(json, ask_json("zone " + zone, zone_path(zone)));
    MXF_TRY(info, zone_of(json));
    if (info.name != zone) return nonsense("asked for zone " + zone + ", got another");
    MXF_TRY(list, array_at(json, "records"));
    std::vector<RRset> out;
    for (const auto& item : list) {
      MXF_TRY(set, rrset_of(item));
      if (find_set(out, set.name, set.type) != nullptr)
        return nonsense("a record that stands twice: " + set.name);
      out.push_back(std::move(set));
    }
    return out;
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"X-NSONE-Key", "${secret:api_key}"}};
  }
  Result<void> storable(const RRset& set, const Record& record) override {
    MXF_TRY(answer, answer_of(set.type, record.rdata));
    return {};
  }

  Result<void> put(const std::string& zone, const RRset& now, const RRset* had) override {
    if (had != nullptr) MXF_CHECK(has_answers_only(zone, *had));
    Json answers = Json::array();
    for (const auto& record : now.records) {
      MXF_TRY(answer, answer_of(now.type, record.rdata));
      answers.push_back({{"answer", answer}});
    }
    Json body = {{"answers", answers}, {"ttl", now.ttl}};
    if (had == nullptr) {
      body["zone"] = without_dot(zone);
      body["domain"] = without_dot(now.name);
      body["type"] = now.type;
    }
    MXF_TRY(done, change_json(now.name + " " + now.type, had == nullptr ? "PUT" : "POST",
                              set_path(zone, now), body, "answers"));
    return {};
  }
  Result<void> erase(const std::string& zone, const RRset& had) override {
    MXF_CHECK(has_answers_only(zone, had));
    MXF_TRY(done,
            change_json(had.name + " " + had.type, "DELETE", set_path(zone, had), Json(), ""));
    return {};
  }

 private:
  static std::string zone_path(const std::string& zone) {
    return "/zones/" + percent(without_dot(zone));
  }
  static std::string set_path(const std::string& zone, const RRset& set) {
    return zone_path(zone) + "/" + percent(without_dot(set.name)) + "/" + set.type;
  }

  static Result<Zone> zone_of(const Json& item) {
    Zone zone;
    MXF_TRY(name, text_at(item, "zone"));
    zone.name = lower(name) + ".";
    zone.id = name;
    if (const auto* servers = member(item, "dns_servers");
        servers != nullptr && servers->is_array())
      for (const auto& server : *servers)
        if (server.is_string())
          zone.name_servers.push_back(lower(with_dot(server.get<std::string>())));
    return zone;
  }

  static Result<RRset> rrset_of(const Json& item) {
    RRset set;
    MXF_TRY(name, text_at(item, "domain"));
    MXF_TRY(type, text_at(item, "type"));
    MXF_TRY(ttl, number_at(item, "ttl"));
    MXF_TRY(answers, array_at(item, "short_answers"));
    set.name = lower(name) + ".";
    set.type = type;
    set.ttl = ttl;
    const auto* link = member(item, "link");
    const bool linked = link != nullptr && link->is_string();
    const auto extra = linked ? locked_extra("it is linked to another record") : std::string();
    for (const auto& answer : answers) {
      if (!answer.is_string()) return nonsense("an answer that is no text");
      const auto text = answer.get<std::string>();
      set.records.push_back(
          {type == "TXT" ? txt_rdata(text) : host_completed(type, text), {}, extra});
    }
    if (set.records.empty() && linked) set.records.push_back({"?", {}, extra});
    if (set.records.empty()) return nonsense("a record without answers: " + set.name);
    return set;
  }

  // Filters, metadata and regions of a record would not survive a write of plain answers.
  Result<void> has_answers_only(const std::string& zone, const RRset& set) {
    const auto what = set.name + " " + set.type;
    MXF_TRY(json, ask_json(what, set_path(zone, set)));
    MXF_TRY(answers, array_at(json, "answers"));
    const auto holds = [](const Json& object, const char* key) {
      const auto* found = member(object, key);
      return found != nullptr && found->is_structured() && !found->empty();
    };
    bool more = holds(json, "filters") || holds(json, "meta") || holds(json, "regions");
    for (const auto& answer : answers) more = more || holds(answer, "meta");
    if (more) return fail(MXF_DENIED, what + " is left alone: it has filters, metadata or regions");
    return {};
  }

  static Result<Json> answer_of(const std::string& type, const std::string& rdata) {
    if (type == "TXT") {
      TxtRules rules;
      rules.outer_blanks = true;
      MXF_TRY(text, plain_txt(rdata, rules));
      return Json::array({text});
    }
    const auto words = fields_of(rdata);
    Json out = Json::array();
    for (const auto& word : words) out.push_back(word);
    if (type == "MX" || type == "SRV") {
      if (words.size() != (type == "MX" ? 2U : 4U))
        return fail(MXF_INVALID, "it has not the fields of " + type);
      for (std::size_t i = 0; i + 1 < words.size(); ++i) out[i] = std::atoi(words[i].c_str());
    }
    return out;
  }
};

}  // namespace
}  // namespace ns1

MXF_DNS_PLUGIN("ns1", ns1::Ns1)
