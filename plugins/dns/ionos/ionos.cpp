// SPDX-License-Identifier: Apache-2.0
// DNS plugin `ionos`: IONOS hosting, DNS API v1. PATCH of a zone replaces every (name, type) that
// its list of records names; deletions are requests of their own. There is no compare-and-swap.
// Names are full. One operation at a time.
#include <mxferry/flat_record.hpp>
#include <mxferry/http_dns.hpp>

namespace ionos {
namespace {

using namespace mxferry::sdk;

FlatDialect dialect() {
  FlatDialect d;
  d.priority = "prio";
  d.relative_names = false;
  d.quoted_txt = true;
  d.txt.outer_blanks = true;
  d.txt.forbidden = "\"\\";
  return d;
}

class Ionos final : public RecordDns {
 public:
  explicit Ionos(Host host) : RecordDns(host, 60) {}

  Result<std::vector<Zone>> list_zones() override {
    MXF_TRY(json, ask_json("the list of zones", "/zones"));
    if (!json.is_array()) return nonsense("the list of zones is none");
    std::vector<Zone> out;
    for (const auto& item : json) {
      MXF_TRY(name, text_at(item, "name"));
      MXF_TRY(id, text_at(item, "id"));
      out.push_back({lower(name) + ".", id, {}, 60, {}});
    }
    return out;
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"X-API-Key", "${secret:api_key}"}};
  }

  Result<std::vector<StoredRecord>> read(const std::string& zone) override {
    MXF_TRY(info, describe_zone(zone));
    path_ = "/zones/" + percent(info.id);
    MXF_TRY(json, ask_json("the records of " + zone, path_));
    MXF_TRY(list, array_at(json, "records"));
    std::vector<StoredRecord> out;
    for (const auto& item : list) {
      MXF_TRY(record, flat_record(item, zone, dialect()));
      const auto* disabled = member(item, "disabled");
      if (disabled == nullptr || !disabled->is_boolean())
        return nonsense("a record that does not say whether it is disabled");
      if (disabled->get<bool>()) record.extra = Json{{"disabled", true}}.dump();
      out.push_back(std::move(record));
    }
    if (out.empty()) return nonsense("a zone without any record");
    return out;
  }

  Result<void> storable(const RRset& set, const Record& record) override {
    MXF_TRY(body, flat_body({{}, set.name, set.type, set.ttl, record.rdata}, set.name, dialect()));
    return {};
  }

  // Whole sets in one PATCH, then what is deleted.
  Result<void> write(const std::string& zone, const std::vector<Change>& changes,
                     const std::vector<RRset>& current) override {
    Json sets = Json::array();
    for (const auto& change : changes) {
      if (!change.after) continue;
      for (const auto& record : change.after->records) {
        MXF_TRY(
            body,
            flat_body({{}, change.after->name, change.after->type, change.after->ttl, record.rdata},
                      zone, dialect()));
        body["disabled"] = is_true(extra_of(record.extra), "disabled");
        sets.push_back(std::move(body));
      }
    }
    if (!sets.empty()) {
      MXF_TRY(done, change_json("the change of " + zone, "PATCH", path_, sets, ""));
    }
    for (const auto& change : changes) {
      if (change.after) continue;
      for (const auto& record :
           find_set(current, change.before->name, change.before->type)->records) {
        MXF_TRY(done, change_json("a record of " + change.before->name, "DELETE",
                                  path_ + "/records/" + percent(record.id), Json(), ""));
      }
    }
    return {};
  }
  // Everything goes through write().
  Result<void> create(const std::string&, const StoredRecord&) override {
    return unsupported("create a record alone");
  }
  Result<void> update(const std::string&, const StoredRecord&) override {
    return unsupported("update a record alone");
  }
  Result<void> remove(const std::string&, const StoredRecord&) override {
    return unsupported("remove a record alone");
  }

 private:
  std::string path_;  // of the zone that was read last
};

}  // namespace
}  // namespace ionos

MXF_DNS_PLUGIN("ionos", ionos::Ionos)
