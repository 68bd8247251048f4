// SPDX-License-Identifier: Apache-2.0
// DNS plugin `porkbun`: JSON API v3. Every request is a POST whose body carries both keys; success
// is told by `status` in the body. There is no batch and no compare-and-swap. One operation at a
// time.
#include <mxferry/flat_record.hpp>
#include <mxferry/http_dns.hpp>

namespace porkbun {
namespace {

using namespace mxferry::sdk;

// As records are listed: full names. As they are written: relative ones.
FlatDialect listed() {
  FlatDialect d;
  d.priority = "prio";
  d.relative_names = false;
  return d;
}
FlatDialect written() {
  FlatDialect d;
  d.priority = "prio";
  d.numbers_as_text = true;
  d.txt.forbidden = "\"\\";
  return d;
}

class Porkbun final : public RecordDns {
 public:
  explicit Porkbun(Host host) : RecordDns(host, 600) {}

  Result<std::vector<Zone>> list_zones() override {
    constexpr std::size_t kPage = 1000;
    std::vector<Zone> out;
    for (;;) {
      MXF_TRY(json, query("the list of domains", "/domain/listAll",
                          {{"start", std::to_string(out.size())}}));
      MXF_TRY(list, array_at(json, "domains"));
      for (const auto& item : list) {
        MXF_TRY(name, text_at(item, "domain"));
        out.push_back({lower(name) + ".", name, {}, 600, {}});
      }
      if (list.size() < kPage) return out;
    }
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"Content-Type", "application/json"}};  // the keys are in the body
  }

  std::optional<Failure> refusal(const Json& json) const override {
    const auto* status = member(json, "status");
    if (status != nullptr && *status == "SUCCESS") return {};
    HttpResponse as;
    as.code = 400;
    as.body = json.dump();
    auto why = explain(as, "the request");
    if (status == nullptr) why.status = MXF_REMOTE;
    return why;
  }

  Failure explain(const HttpResponse& response, const std::string& what) const override {
    auto why = failure_of(response, what);
    const auto says = [&](std::string_view words) {
      return why.remote.find(words) != std::string::npos;
    };
    if (says("Invalid API key")) {
      why.status = MXF_AUTH;
      why.text = "the keys are not accepted";
    } else if (says("Invalid domain")) {
      why.status = MXF_NOT_FOUND;
      why.text = what + ": the account has no such domain, or API access is off for it";
    }
    return why;
  }

  Result<std::vector<StoredRecord>> read(const std::string& zone) override {
    MXF_TRY(json, query("the records of " + zone, "/dns/retrieve/" + percent(without_dot(zone)),
                        Json::object()));
    MXF_TRY(list, array_at(json, "records"));
    std::vector<StoredRecord> out;
    for (const auto& item : list) {
      MXF_TRY(record, flat_record(item, zone, listed()));
      const auto* notes = member(item, "notes");
      if (notes != nullptr && notes->is_string() && !notes->get<std::string>().empty())
        record.extra = Json{{"notes", *notes}}.dump();
      out.push_back(std::move(record));
    }
    if (out.empty()) return nonsense("a zone without any record");
    return out;
  }

  Result<void> storable(const RRset& set, const Record& record) override {
    MXF_TRY(body, flat_body({{}, set.name, set.type, set.ttl, record.rdata}, set.name, written()));
    return {};
  }
  Result<void> create(const std::string& zone, const StoredRecord& now) override {
    return write_record("/dns/create/" + percent(without_dot(zone)), zone, now);
  }
  Result<void> update(const std::string& zone, const StoredRecord& now) override {
    return write_record("/dns/edit/" + percent(without_dot(zone)) + "/" + now.id, zone, now);
  }
  Result<void> remove(const std::string& zone, const StoredRecord& old) override {
    MXF_TRY(done, change_json("a record of " + old.name, "POST",
                              "/dns/delete/" + percent(without_dot(zone)) + "/" + old.id,
                              with_keys(Json::object()), "status"));
    return {};
  }

 private:
  static Json with_keys(Json body) {
    body["apikey"] = "${secret:api_key}";
    body["secretapikey"] = "${secret:secret_api_key}";
    return body;
  }
  Result<Json> query(const std::string& what, const std::string& path, Json body) {
    MXF_TRY(response, ask(what, path, "POST", with_keys(std::move(body)).dump()));
    MXF_TRY(json, parsed(response.body, what));
    if (auto why = refusal(json)) return fail(*std::move(why));
    return json;
  }
  Result<void> write_record(const std::string& path, const std::string& zone,
                            const StoredRecord& now) {
    MXF_TRY(body, flat_body(now, zone, written()));
    const auto extra = extra_of(now.extra);
    if (member(extra, "notes") != nullptr) body["notes"] = extra["notes"];
    MXF_TRY(done, change_json("a record of " + now.name, "POST", path, with_keys(body), "status"));
    return {};
  }
};

}  // namespace
}  // namespace porkbun

MXF_DNS_PLUGIN("porkbun", porkbun::Porkbun)
