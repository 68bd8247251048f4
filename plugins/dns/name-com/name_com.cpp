// SPDX-License-Identifier: Apache-2.0
// DNS plugin `name-com`: API v4 with Basic authentication. Records have ids and change in place by
// PUT; there is no batch and no compare-and-swap. A priority of 0 is left out of answers. One
// operation at a time.
#include <mxferry/flat_record.hpp>
#include <mxferry/http_dns.hpp>

namespace name_com {
namespace {

using namespace mxferry::sdk;

FlatDialect dialect() {
  FlatDialect d;
  d.name = "host";
  d.data = "answer";
  d.txt.most = 500;
  d.txt.forbidden = "\"\\";
  return d;
}

class NameCom final : public RecordDns {
 public:
  explicit NameCom(Host host) : RecordDns(host, 300) {}

  Result<std::vector<Zone>> list_zones() override {
    std::vector<Zone> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(name, text_at(item, "domainName"));
      out.push_back({lower(name) + ".", name, {}, 300, {}});
      return {};
    };
    MXF_CHECK(pages("/domains", "domains", "the list of domains", keep));
    return out;
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"Authorization", "Basic ${secret:login|base64}"}};
  }

  Failure explain(const HttpResponse& response, const std::string& what) const override {
    auto why = failure_of(response, what);
    if (why.remote.find("Not Dns Ready") != std::string::npos)
      why.text = what + ": the domain is delegated elsewhere, a change would not be seen";
    return why;
  }

  Result<std::vector<StoredRecord>> read(const std::string& zone) override {
    std::vector<StoredRecord> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      // The full name is there too: a listing whose `host` got lost must not move records to the
      // apex. The apex has no `host`.
      MXF_TRY(full, text_at(item, "fqdn"));
      Json copy = item;
      if (copy.is_object() && !copy.contains("host")) copy["host"] = "";
      if (copy.is_object() && !copy.contains("priority")) {
        for (const auto& [name, value] : item.items())
          if (value.is_number() && name != "id" && name != "ttl")
            return nonsense("a record with an unknown " + name);
        copy["priority"] = 0U;
      }
      MXF_TRY(record, flat_record(copy, zone, dialect()));
      if (record.name != lower(with_dot(full)))
        return nonsense("a record whose two names differ: " + record.name);
      out.push_back(std::move(record));
      return {};
    };
    MXF_CHECK(pages(path_of(zone), "records", "the records of " + zone, keep));
    return out;  // the apex NS are not listed: a new zone has none
  }

  Result<void> storable(const RRset& set, const Record& record) override {
    MXF_TRY(body, flat_body({{}, set.name, set.type, set.ttl, record.rdata}, set.name, dialect()));
    return {};
  }
  Result<void> create(const std::string& zone, const StoredRecord& now) override {
    MXF_TRY(body, flat_body(now, zone, dialect()));
    MXF_TRY(done, change_json("a new record of " + now.name, "POST", path_of(zone), body, "id"));
    return {};
  }
  Result<void> update(const std::string& zone, const StoredRecord& now) override {
    MXF_TRY(body, flat_body(now, zone, dialect()));
    MXF_TRY(done, change_json("a record of " + now.name, "PUT", path_of(zone) + "/" + now.id, body,
                              "id"));
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

  Result<void> pages(const std::string& path, const char* key, const std::string& what,
                     const std::function<Result<void>(const Json&)>& item) {
    const auto page = [&](const std::string& here) -> Result<std::string> {
      MXF_TRY(json, ask_json(what, here));
      MXF_TRY(list, array_at(json, key));
      for (const auto& one : list) MXF_CHECK(item(one));
      // There is no total: a number that is not known here might say that there is more.
      for (const auto& [name, value] : json.items())
        if (value.is_number() && name != "nextPage" && name != "lastPage")
          return nonsense("a listing with an unknown " + name);
      if (member(json, "nextPage") == nullptr) return std::string();
      MXF_TRY(next, number_at(json, "nextPage"));
      return next == 0 ? std::string() : path + "?page=" + std::to_string(next);
    };
    return each_page(path + "?page=1", page);
  }
};

}  // namespace
}  // namespace name_com

MXF_DNS_PLUGIN("name-com", name_com::NameCom)
