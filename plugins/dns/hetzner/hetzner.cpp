// SPDX-License-Identifier: Apache-2.0
// DNS plugin `hetzner`: DNS in the Hetzner Cloud API v1. Every write is an action with an id, done
// when its status says so; an RRset's values and its TTL are two actions. There is no
// compare-and-swap. One operation at a time.
#include <mxferry/http_dns.hpp>

namespace hetzner {
namespace {

using namespace mxferry::sdk;

class Hetzner final : public RRsetDns {
 public:
  explicit Hetzner(Host host) : RRsetDns(host, 60) {}

  Result<std::vector<Zone>> list_zones() override {
    std::vector<Zone> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(zone, zone_of(item));
      out.push_back(std::move(zone));
      return {};
    };
    MXF_CHECK(pages("/zones", "zones", "the list of zones", keep));
    return out;
  }

  Result<Zone> describe_zone(const std::string& name) override {
    MXF_TRY(json, ask_json("zone " + name, "/zones/" + percent(without_dot(name))));
    const auto* item = member(json, "zone");
    if (item == nullptr) return nonsense("no zone");
    MXF_TRY(ttl, number_at(*item, "ttl"));
    default_ttl_ = ttl;
    MXF_TRY(zone, zone_of(*item));
    if (zone.name != name) return nonsense("asked for zone " + name + ", got another");
    return zone;
  }

  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    MXF_TRY(info, describe_zone(zone));
    id_ = info.id;
    std::vector<RRset> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(set, rrset_of(item, zone));
      if (find_set(out, set.name, set.type) != nullptr)
        return nonsense("an RRset that stands twice: " + set.name);
      out.push_back(std::move(set));
      return {};
    };
    MXF_CHECK(pages("/zones/" + id_ + "/rrsets", "rrsets", "the records of " + zone, keep));
    return out;
  }

  Result<bool> change_live(const std::string&, const std::string& id) override {
    MXF_TRY(json, ask_json("action " + id, "/zones/actions/" + percent(id)));
    const auto* action = member(json, "action");
    if (action == nullptr) return nonsense("no action");
    MXF_TRY(status, text_at(*action, "status"));
    if (status == "running") return false;
    if (status == "success") return true;
    VendorWords words;
    if (const auto* error = member(*action, "error")) collect_words(*error, words);
    return fail(MXF_REMOTE, "action " + id + " failed", words.text, words.code);
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"Authorization", "Bearer ${secret:token}"}};
  }
  Result<void> storable(const RRset& set, const Record& record) override {
    if (set.type != "TXT") return {};
    MXF_TRY(text, quoted_txt(record.rdata));
    return {};
  }

  Result<void> put(const std::string& zone, const RRset& now, const RRset* had) override {
    const auto path = path_of(zone, now);
    Json values = Json::array();
    for (const auto& record : now.records) {
      Json one = {{"value", record.rdata}};
      if (now.type == "TXT") {
        MXF_TRY(text, quoted_txt(record.rdata));
        one["value"] = text;
      }
      const auto extra = extra_of(record.extra);
      if (member(extra, "comment") != nullptr) one["comment"] = extra["comment"];
      values.push_back(std::move(one));
    }
    if (had == nullptr)
      return act(now, "POST", "/zones/" + id_ + "/rrsets",
                 {{"name", relative_name(now.name, zone, "@")},
                  {"type", now.type},
                  {"ttl", now.ttl},
                  {"records", values}});
    if (had->ttl != now.ttl)
      MXF_CHECK(act(now, "POST", path + "/actions/change_ttl", {{"ttl", now.ttl}}));
    RRset as_had = now;
    as_had.ttl = had->ttl;
    if (!same_rrset(as_had, *had))
      MXF_CHECK(act(now, "POST", path + "/actions/set_records", {{"records", values}}));
    return {};
  }
  Result<void> erase(const std::string& zone, const RRset& had) override {
    return act(had, "DELETE", path_of(zone, had), {});
  }

 private:
  std::string path_of(const std::string& zone, const RRset& set) const {
    return "/zones/" + id_ + "/rrsets/" + percent(relative_name(set.name, zone, "@"), "@") + "/" +
           set.type;
  }

  Result<void> act(const RRset& set, const char* method, const std::string& path,
                   const Json& body) {
    MXF_TRY(json, change_json(set.name + " " + set.type, method, path, body, "action"));
    MXF_TRY(id, id_at(json["action"], "id"));
    announce(id);
    return {};
  }

  // meta.pagination: total_entries tells a page that got lost.
  Result<void> pages(const std::string& path, const char* key, const std::string& what,
                     const std::function<Result<void>(const Json&)>& item) {
    const std::string first = path + "?per_page=100";
    const auto turn = [&](const Json& json, std::size_t) -> Result<Page> {
      const auto* meta = member(json, "meta");
      const auto* pagination = meta == nullptr ? nullptr : member(*meta, "pagination");
      if (pagination == nullptr) return nonsense("no pagination");
      MXF_TRY(total, number_at(*pagination, "total_entries"));
      const auto* next = member(*pagination, "next_page");
      if (next == nullptr || next->is_null()) return Page{total};
      MXF_TRY(number, number_at(*pagination, "next_page"));
      return Page{total, first + "&page=" + std::to_string(number)};
    };
    return each_item(first, key, what, item, turn);
  }

  static Result<Zone> zone_of(const Json& item) {
    Zone zone;
    MXF_TRY(name, text_at(item, "name"));
    MXF_TRY(id, id_at(item, "id"));
    zone.name = lower(name) + ".";
    zone.id = id;
    zone.min_ttl = 60;
    const auto* servers = member(item, "authoritative_nameservers");
    const auto* assigned = servers == nullptr ? nullptr : member(*servers, "assigned");
    if (assigned != nullptr && assigned->is_array())
      for (const auto& server : *assigned)
        if (server.is_string())
          zone.name_servers.push_back(lower(with_dot(server.get<std::string>())));
    return zone;
  }

  Result<RRset> rrset_of(const Json& item, const std::string& zone) const {
    RRset set;
    MXF_TRY(name, text_at(item, "name"));
    MXF_TRY(type, text_at(item, "type"));
    MXF_TRY(records, array_at(item, "records"));
    const auto* ttl = member(item, "ttl");
    if (ttl == nullptr) return nonsense("an RRset without a TTL: " + name);
    set.ttl = default_ttl_;
    if (!ttl->is_null()) {
      MXF_TRY(seconds, number_at(item, "ttl"));
      set.ttl = seconds;
    }
    set.name = absolute_name(name, zone);
    set.type = type;
    const auto* protection = member(item, "protection");
    const bool kept = protection != nullptr && is_true(*protection, "change");
    for (const auto& record : records) {
      MXF_TRY(value, text_at(record, "value"));
      Json extra = Json::object();
      const auto* comment = member(record, "comment");
      if (comment != nullptr && comment->is_string() && !comment->get<std::string>().empty())
        extra["comment"] = *comment;
      if (kept) extra["locked"] = "it is protected against changes in the Hetzner console";
      set.records.push_back({type == "TXT" ? txt_as_read(value) : host_in_zone(type, value, zone),
                             {},
                             extra_text(extra)});
    }
    if (set.records.empty()) return nonsense("an RRset without records: " + set.name);
    return set;
  }

  std::string id_;  // of the zone that was read last
  std::uint32_t default_ttl_ = 3600;
};

}  // namespace
}  // namespace hetzner

MXF_DNS_PLUGIN("hetzner", hetzner::Hetzner)
