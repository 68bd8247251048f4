// SPDX-License-Identifier: Apache-2.0
// DNS plugin `vultr`: API v2. Records have ids and change in place by PATCH; there is no batch and
// no compare-and-swap. A TXT stands in one pair of quotes, whatever its length. One operation at a
// time.
#include <mxferry/flat_record.hpp>
#include <mxferry/http_dns.hpp>

namespace vultr {
namespace {

using namespace mxferry::sdk;

FlatDialect dialect() {
  FlatDialect d;
  d.data = "data";
  d.txt.forbidden = "\"\\";
  return d;
}

class Vultr final : public RecordDns {
 public:
  explicit Vultr(Host host) : RecordDns(host, 120) {}

  Result<std::vector<Zone>> list_zones() override {
    std::vector<Zone> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(name, text_at(item, "domain"));
      out.push_back({lower(name) + ".", name, {}, 120, {}});
      return {};
    };
    MXF_CHECK(pages("/domains", "domains", "the list of domains", keep));
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
      out.push_back(std::move(record));
      return {};
    };
    MXF_CHECK(pages(path_of(zone), "records", "the records of " + zone, keep));
    return out;
  }

  Result<void> storable(const RRset& set, const Record& record) override {
    MXF_TRY(body, body_of({{}, set.name, set.type, set.ttl, record.rdata}, set.name));
    return {};
  }
  Result<void> create(const std::string& zone, const StoredRecord& now) override {
    MXF_TRY(body, body_of(now, zone));
    MXF_TRY(done,
            change_json("a new record of " + now.name, "POST", path_of(zone), body, "record"));
    return {};
  }
  Result<void> update(const std::string& zone, const StoredRecord& now) override {
    MXF_TRY(body, body_of(now, zone));
    body.erase("type");  // it cannot change
    MXF_TRY(done, change_json("a record of " + now.name, "PATCH", path_of(zone) + "/" + now.id,
                              body, ""));
    return {};
  }
  Result<void> remove(const std::string& zone, const StoredRecord& old) override {
    MXF_TRY(done, change_json("a record of " + old.name, "DELETE", path_of(zone) + "/" + old.id,
                              Json(), ""));
    return {};
  }

 private:
  static std::string path_of(const std::string& zone) {
    return "/domains/" + percent(without_dot(zone)) + "/records";
  }
  static Result<Json> body_of(const StoredRecord& record, const std::string& zone) {
    MXF_TRY(body, flat_body(record, zone, dialect()));
    if (record.type == "TXT") body["data"] = "\"" + body["data"].get<std::string>() + "\"";
    return body;
  }

  // meta.total is how many there are, meta.links.next the cursor of the next page.
  Result<void> pages(const std::string& path, const char* key, const std::string& what,
                     const std::function<Result<void>(const Json&)>& item) {
    const std::string first = path + "?per_page=500";
    const auto turn = [&](const Json& json, std::size_t) -> Result<Page> {
      const auto* meta = member(json, "meta");
      const auto* links = meta == nullptr ? nullptr : member(*meta, "links");
      if (links == nullptr) return nonsense("no meta");
      MXF_TRY(total, number_at(*meta, "total"));
      MXF_TRY(next, text_at(*links, "next"));
      return Page{total, next.empty() ? "" : first + "&cursor=" + percent(next)};
    };
    return each_item(first, key, what, item, turn);
  }
};

}  // namespace
}  // namespace vultr

MXF_DNS_PLUGIN("vultr", vultr::Vultr)
