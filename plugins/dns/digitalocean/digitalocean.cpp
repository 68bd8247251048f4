// SPDX-License-Identifier: Apache-2.0
// DNS plugin `digitalocean`: API v2. Records have ids and change in place by PUT; there is no
// batch and no compare-and-swap. Host names are written with their final dot and come back without
// it, "@" is the zone. One operation at a time.
#include <mxferry/http_dns.hpp>

namespace digitalocean {
namespace {

using namespace mxferry::sdk;

class DigitalOcean final : public RecordDns {
 public:
  explicit DigitalOcean(Host host) : RecordDns(host, 30) {}

  Result<std::vector<Zone>> list_zones() override {
    std::vector<Zone> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(name, text_at(item, "name"));
      out.push_back({lower(name) + ".", name, {}, 30, {}});
      return {};
    };
    MXF_CHECK(pages("/domains?per_page=200", "domains", "the list of domains", keep));
    return out;
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"Authorization", "Bearer ${secret:token}"}};
  }

  Result<std::vector<StoredRecord>> read(const std::string& zone) override {
    std::vector<StoredRecord> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      // The listing's SOA is no record data, only a number, and nobody can write it.
      if (const auto* type = member(item, "type"); type != nullptr && *type == "SOA") return {};
      MXF_TRY(record, stored(item, zone));
      out.push_back(std::move(record));
      return {};
    };
    MXF_CHECK(
        pages(path_of(zone) + "?per_page=200", "domain_records", "the records of " + zone, keep));
    return out;
  }

  Result<void> storable(const RRset& set, const Record& record) override {
    MXF_TRY(body, body_of(set.name, {{}, set.name, set.type, set.ttl, record.rdata}));
    return {};
  }
  Result<void> create(const std::string& zone, const StoredRecord& now) override {
    MXF_TRY(body, body_of(zone, now));
    MXF_TRY(done, change_json("a new record of " + now.name, "POST", path_of(zone), body,
                              "domain_record"));
    return {};
  }
  Result<void> update(const std::string& zone, const StoredRecord& now) override {
    MXF_TRY(body, body_of(zone, now));
    MXF_TRY(done, change_json("a record of " + now.name, "PUT", path_of(zone) + "/" + now.id, body,
                              "domain_record"));
    return {};
  }
  Result<void> remove(const std::string& zone, const StoredRecord& old) override {
    MXF_TRY(done,
            change_json("a record of " + old.name, "DELETE", path_of(zone) + "/" + old.id, {}, ""));
    return {};
  }

 private:
  std::string path_of(const std::string& zone) const {
    return "/domains/" + percent(without_dot(zone)) + "/records";
  }

  // meta.total is how many there are: a page that got lost is noticed.
  Result<void> pages(const std::string& path, const char* key, const std::string& what,
                     const std::function<Result<void>(const Json&)>& item) {
    std::size_t number = 1;
    const auto turn = [&](const Json& json, std::size_t so_far) -> Result<Page> {
      const auto* meta = member(json, "meta");
      if (meta == nullptr) return nonsense("no meta");
      MXF_TRY(total, number_at(*meta, "total"));
      return Page{total, so_far >= total ? "" : path + "&page=" + std::to_string(++number)};
    };
    return each_item(path, key, what, item, turn);
  }

  static Result<StoredRecord> stored(const Json& item, const std::string& zone) {
    StoredRecord out;
    MXF_TRY(id, id_at(item, "id"));
    MXF_TRY(name, text_at(item, "name"));
    MXF_TRY(type, text_at(item, "type"));
    MXF_TRY(data, text_at(item, "data"));
    MXF_TRY(ttl, number_at(item, "ttl"));
    out.id = id;
    out.name = absolute_name(name, zone);
    out.type = type;
    out.ttl = ttl;
    if (type == "TXT") {
      out.rdata = txt_rdata(data);
    } else if (ends_in_host(type)) {
      out.rdata = data == "@" ? zone : with_dot(data);
    } else {
      out.rdata = data;
    }
    if (type == "MX" || type == "SRV") {
      MXF_TRY(priority, number_at(item, "priority", 65535));
      std::string head = std::to_string(priority) + " ";
      if (type == "SRV") {
        MXF_TRY(weight, number_at(item, "weight", 65535));
        MXF_TRY(port, number_at(item, "port", 65535));
        head += std::to_string(weight) + " " + std::to_string(port) + " ";
      }
      out.rdata.insert(0, head);
    }
    if (type == "CAA") {
      MXF_TRY(flags, number_at(item, "flags", 255));
      MXF_TRY(tag, text_at(item, "tag"));
      out.rdata = std::to_string(flags) + " " + tag + " \"" + data + "\"";
    }
    return out;
  }

  static Result<Json> body_of(const std::string& zone, const StoredRecord& record) {
    Json out = {{"type", record.type},
                {"name", relative_name(record.name, zone, "@")},
                {"ttl", record.ttl},
                {"data", record.rdata}};
    const auto words = fields_of(record.rdata);
    if (record.type == "TXT") {
      // More than 509 octets is refused by the API, a backslash is lost.
      TxtRules rules;
      rules.most = 509;
      rules.forbidden = "\\\"";
      MXF_TRY(text, plain_txt(record.rdata, rules));
      out["data"] = text;
    } else if (record.type == "MX") {
      if (words.size() != 2 || words[1] == ".")
        return fail(MXF_INVALID, "this API stores no null MX");
      out["priority"] = std::atoi(words[0].c_str());
      out["data"] = words[1];
    } else if (record.type == "SRV") {
      if (words.size() != 4) return fail(MXF_INVALID, "an SRV record has four fields");
      out["priority"] = std::atoi(words[0].c_str());
      out["weight"] = std::atoi(words[1].c_str());
      out["port"] = std::atoi(words[2].c_str());
      out["data"] = words[3];
    } else if (record.type != "A" && record.type != "AAAA" && record.type != "CNAME" &&
               record.type != "NS") {
      return fail(MXF_UNSUPPORTED, "this plugin does not write records of this type");
    }
    return out;
  }
};

}  // namespace
}  // namespace digitalocean

MXF_DNS_PLUGIN("digitalocean", digitalocean::DigitalOcean)
