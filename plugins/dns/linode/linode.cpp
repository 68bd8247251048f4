// SPDX-License-Identifier: Apache-2.0
// DNS plugin `linode`: API v4. Records have ids and change in place by PUT; there is no batch and
// no compare-and-swap, and TTLs come in steps. One operation at a time.
#include <mxferry/flat_record.hpp>
#include <mxferry/http_dns.hpp>

namespace linode {
namespace {

using namespace mxferry::sdk;

constexpr std::uint32_t kDefaultTtl = 86400;
constexpr std::array<std::uint32_t, 12> kTtls = {300,   3600,   7200,   14400,  28800,   57600,
                                                 86400, 172800, 345600, 604800, 1209600, 2419200};

FlatDialect dialect() {
  FlatDialect d;
  d.data = "target";
  d.ttl = "ttl_sec";
  d.types = " A AAAA CNAME MX NS TXT ";
  d.txt.forbidden = "\"\\";
  return d;
}

class Linode final : public RecordDns {
 public:
  explicit Linode(Host host) : RecordDns(host, 300) {}

  Result<std::vector<Zone>> list_zones() override {
    std::vector<Zone> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(name, text_at(item, "domain"));
      MXF_TRY(id, id_at(item, "id"));
      out.push_back({lower(name) + ".", id, {}, 300, {}});
      return {};
    };
    MXF_CHECK(pages("/domains", "the list of domains", keep));
    return out;
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"Authorization", "Bearer ${secret:token}"}};
  }

  Result<std::vector<StoredRecord>> read(const std::string& zone) override {
    MXF_TRY(info, describe_zone(zone));
    path_ = "/domains/" + info.id + "/records";
    std::vector<StoredRecord> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(record, stored(item, zone));
      out.push_back(std::move(record));
      return {};
    };
    MXF_CHECK(pages(path_, "the records of " + zone, keep));
    return out;
  }

  Result<void> storable(const RRset& set, const Record& record) override {
    if (std::find(kTtls.begin(), kTtls.end(), set.ttl) == kTtls.end())
      return fail(MXF_INVALID, "TTL " + std::to_string(set.ttl) +
                                   " would be rounded; this API stores 300, 3600, 7200, 14400, "
                                   "28800, 57600, 86400 and longer steps");
    MXF_TRY(body, flat_body({{}, set.name, set.type, set.ttl, record.rdata}, set.name, dialect()));
    return {};
  }
  Result<void> create(const std::string& zone, const StoredRecord& now) override {
    MXF_TRY(body, flat_body(now, zone, dialect()));
    MXF_TRY(done, change_json("a new record of " + now.name, "POST", path_, body, "id"));
    return {};
  }
  Result<void> update(const std::string& zone, const StoredRecord& now) override {
    MXF_TRY(body, flat_body(now, zone, dialect()));
    body.erase("type");
    MXF_TRY(done, change_json("a record of " + now.name, "PUT", path_ + "/" + now.id, body, "id"));
    return {};
  }
  Result<void> remove(const std::string&, const StoredRecord& old) override {
    MXF_TRY(done,
            change_json("a record of " + old.name, "DELETE", path_ + "/" + old.id, Json(), ""));
    return {};
  }

 private:
  static Result<StoredRecord> stored(const Json& item, const std::string& zone) {
    MXF_TRY(record, flat_record(item, zone, dialect()));
    if (record.ttl == 0) record.ttl = kDefaultTtl;
    if (record.type == "SRV") {
      // The owner and the data are spread over five members.
      MXF_TRY(priority, number_at(item, "priority", 65535));
      MXF_TRY(weight, number_at(item, "weight", 65535));
      MXF_TRY(port, number_at(item, "port", 65535));
      MXF_TRY(target, text_at(item, "target"));
      MXF_TRY(service, text_at(item, "service"));
      MXF_TRY(protocol, text_at(item, "protocol"));
      const auto label = [](const std::string& word) {
        return lower(word.starts_with('_') ? word : "_" + word);
      };
      const auto labels = label(service) + "." + label(protocol) + ".";
      if (!record.name.starts_with(labels)) record.name = labels + record.name;
      record.rdata = std::to_string(priority) + " " + std::to_string(weight) + " " +
                     std::to_string(port) + " " + with_dot(target);
    }
    return record;
  }

  Result<void> pages(const std::string& path, const std::string& what,
                     const std::function<Result<void>(const Json&)>& item) {
    const std::string first = path + "?page_size=500";
    const auto turn = [&](const Json& json, std::size_t) -> Result<Page> {
      MXF_TRY(current, number_at(json, "page"));
      MXF_TRY(last, number_at(json, "pages"));
      MXF_TRY(total, number_at(json, "results"));
      return Page{total, current >= last ? "" : first + "&page=" + std::to_string(current + 1)};
    };
    return each_item(first, "data", what, item, turn);
  }

  std::string path_;  // of the records of the zone that was read last
};

}  // namespace
}  // namespace linode

MXF_DNS_PLUGIN("linode", linode::Linode)
