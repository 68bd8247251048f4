// SPDX-License-Identifier: Apache-2.0
// DNS plugin `dnsimple`: API v2. All steps of a change go in one POST to …/batch; there is no
// compare-and-swap. Names are relative, the zone's own is empty. One operation at a time.
#include <mxferry/flat_record.hpp>
#include <mxferry/http_dns.hpp>

namespace dnsimple {
namespace {

using namespace mxferry::sdk;

FlatDialect dialect() {
  FlatDialect d;
  d.txt.most = 1000;
  d.txt.forbidden = "\"\\";
  return d;
}

class DnSimple final : public RecordDns {
 public:
  explicit DnSimple(Host host) : RecordDns(host, 60) {}

  Result<void> start() override {
    MXF_CHECK(RecordDns::start());
    base_ += "/" + percent(host().config_or("account", "")) + "/zones";
    return {};
  }

  Result<std::vector<Zone>> list_zones() override {
    std::vector<Zone> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(name, text_at(item, "name"));
      MXF_TRY(id, id_at(item, "id"));
      out.push_back({lower(name) + ".", id, {}, 60, {}});
      return {};
    };
    MXF_CHECK(pages("", "the list of zones", keep));
    return out;
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"Authorization", "Bearer ${secret:token}"}};
  }

  Result<std::vector<StoredRecord>> read(const std::string& zone) override {
    std::vector<StoredRecord> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(record, flat_record(item, zone, dialect()));
      if (is_true(item, "system_record")) record.extra = locked_extra("it is DNSimple's own");
      out.push_back(std::move(record));
      return {};
    };
    MXF_CHECK(pages(zone_path(zone) + "/records", "the records of " + zone, keep));
    return out;
  }

  Result<void> storable(const RRset& set, const Record& record) override {
    MXF_TRY(body, flat_body({{}, set.name, set.type, set.ttl, record.rdata}, set.name, dialect()));
    return {};
  }
  bool swaps_atomically() const override { return true; }

  Result<void> perform(const std::string& zone, const std::vector<RecordStep>& steps) override {
    using Kind = RecordStep::Kind;
    Json batch = Json::object();
    for (const auto& step : steps) {
      if (step.kind == Kind::remove) {
        batch["deletes"].push_back({{"id", std::atoll(step.old.id.c_str())}});
        continue;
      }
      MXF_TRY(body, flat_body(step.now, zone, dialect()));
      if (step.kind == Kind::update) {
        body.erase("type");
        body["id"] = std::atoll(step.now.id.c_str());
      }
      batch[step.kind == Kind::update ? "updates" : "creates"].push_back(std::move(body));
    }
    if (batch.empty()) return {};
    MXF_TRY(done, change_json("the change of " + zone, "POST", zone_path(zone) + "/batch", batch,
                              "data"));
    return {};
  }
  // Everything goes through perform().
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
  static std::string zone_path(const std::string& zone) { return "/" + percent(without_dot(zone)); }

  Result<void> pages(const std::string& path, const std::string& what,
                     const std::function<Result<void>(const Json&)>& item) {
    const std::string first = path + "?per_page=100";
    const auto turn = [&](const Json& json, std::size_t) -> Result<Page> {
      const auto* info = member(json, "pagination");
      if (info == nullptr) return nonsense("no pagination");
      MXF_TRY(current, number_at(*info, "current_page"));
      MXF_TRY(last, number_at(*info, "total_pages"));
      MXF_TRY(total, number_at(*info, "total_entries"));
      return Page{total, current >= last ? "" : first + "&page=" + std::to_string(current + 1)};
    };
    return each_item(first, "data", what, item, turn);
  }
};

}  // namespace
}  // namespace dnsimple

MXF_DNS_PLUGIN("dnsimple", dnsimple::DnSimple)
