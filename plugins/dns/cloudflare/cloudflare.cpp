// SPDX-License-Identifier: Apache-2.0
// DNS plugin `cloudflare`: API v4 (https://developers.cloudflare.com/api/). All steps of a change
// go in one POST to dns_records/batch, which runs deletes, patches, puts and posts in one
// transaction; there is no compare-and-swap, so the zone is read again right before it. One
// operation at a time.
#include <mxferry/http_dns.hpp>

namespace cloudflare {
namespace {

using namespace mxferry::sdk;

class Cloudflare final : public RecordDns {
 public:
  explicit Cloudflare(Host host) : RecordDns(host, 60) {}

  Result<std::vector<Zone>> list_zones() override { return zones(""); }

  Result<Zone> describe_zone(const std::string& name) override {
    MXF_TRY(found, zones("&name=" + percent(without_dot(name))));
    return pick_zone(found, name);
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"Authorization", "Bearer ${secret:token}"}};
  }

  std::optional<Failure> refusal(const Json& json) const override {
    if (is_true(json, "success")) return {};
    HttpResponse as;
    as.code = 400;
    as.body = json.dump();
    auto why = failure_of(as, "the request");
    if (member(json, "success") == nullptr) why.status = MXF_REMOTE;
    return why;
  }

  Failure explain(const HttpResponse& response, const std::string& what) const override {
    auto why = failure_of(response, what);
    // 6003, 9109, 10000 and their chain: the token itself is wrong, with status 400 or 403.
    for (const std::string_view code : {"6003", "6111", "9109", "10000"})
      if (why.native_code.ends_with(" " + std::string(code))) why.status = MXF_AUTH;
    return why;
  }

  Result<std::vector<StoredRecord>> read(const std::string& zone) override {
    MXF_TRY(info, describe_zone(zone));
    id_ = info.id;
    std::vector<StoredRecord> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(record, stored(item));
      out.push_back(std::move(record));
      return {};
    };
    MXF_CHECK(
        pages("/zones/" + id_ + "/dns_records?per_page=1000", "the records of " + zone, keep));
    return out;
  }

  Result<void> storable(const RRset& set, const Record& record) override {
    MXF_TRY(body, body_of({{}, set.name, set.type, set.ttl, record.rdata, {}}));
    return {};
  }

  Result<void> perform(const std::string& zone, const std::vector<RecordStep>& steps) override {
    using Kind = RecordStep::Kind;
    Json batch = Json::object();
    for (const auto& step : steps) {
      if (step.kind == Kind::remove) {
        batch["deletes"].push_back({{"id", step.old.id}});
        continue;
      }
      MXF_TRY(body, body_of(step.now));
      if (step.kind == Kind::update) body["id"] = step.now.id;
      batch[step.kind == Kind::update ? "patches" : "posts"].push_back(std::move(body));
    }
    if (batch.empty()) return {};
    MXF_TRY(done, change_json("the change of " + zone, "POST",
                              "/zones/" + id_ + "/dns_records/batch", batch, "result"));
    return {};
  }
  bool swaps_atomically() const override { return true; }

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
  // result_info.total_count is how many the listing has: a page that got lost is noticed.
  Result<void> pages(const std::string& path, const std::string& what,
                     const std::function<Result<void>(const Json&)>& item) {
    std::size_t number = 1;
    const auto turn = [&](const Json& json, std::size_t so_far) -> Result<Page> {
      const auto* info = member(json, "result_info");
      if (info == nullptr) return nonsense("no result_info");
      MXF_TRY(total, number_at(*info, "total_count"));
      return Page{total, so_far >= total ? "" : path + "&page=" + std::to_string(++number)};
    };
    return each_item(path, "result", what, item, turn);
  }

  Result<std::vector<Zone>> zones(const std::string& filter) {
    const auto account = host().config_or("account_id", "");
    std::vector<Zone> out;
    std::string pending;
    const auto keep = [&](const Json& item) -> Result<void> {
      Zone zone;
      MXF_TRY(name, text_at(item, "name"));
      MXF_TRY(id, id_at(item, "id"));
      MXF_TRY(servers, array_at(item, "name_servers"));
      zone.name = lower(name) + ".";
      zone.id = id;
      zone.min_ttl = 60;
      for (const auto& server : servers)
        if (server.is_string())
          zone.name_servers.push_back(lower(with_dot(server.get<std::string>())));
      const auto* status = member(item, "status");
      if (!filter.empty() && status != nullptr && *status != "active") pending = zone.name;
      out.push_back(std::move(zone));
      return {};
    };
    MXF_CHECK(pages(
        "/zones?per_page=50" + filter + (account.empty() ? "" : "&account.id=" + percent(account)),
        "the list of zones", keep));
    if (!pending.empty() && out.size() == 1)
      return fail(MXF_INVALID, "zone " + pending +
                                   " is not active at Cloudflare: it is not delegated there, "
                                   "and a change would not be seen");
    return out;
  }

  static Result<StoredRecord> stored(const Json& item) {
    StoredRecord out;
    MXF_TRY(id, id_at(item, "id"));
    MXF_TRY(name, text_at(item, "name"));
    MXF_TRY(type, text_at(item, "type"));
    MXF_TRY(content, text_at(item, "content"));
    MXF_TRY(ttl, number_at(item, "ttl"));
    out.id = id;
    out.name = lower(name) + ".";
    out.type = type;
    out.ttl = ttl == 1 ? 300 : ttl;  // 1: automatic
    out.rdata = type == "TXT" ? txt_as_read(content) : host_completed(type, content);
    if (type == "MX") {
      MXF_TRY(priority, number_at(item, "priority", 65535));
      out.rdata = std::to_string(priority) + " " + out.rdata;
    }
    if (type == "SRV") {
      const auto* data = member(item, "data");
      if (data == nullptr) return nonsense("an SRV record without data");
      MXF_TRY(priority, number_at(*data, "priority", 65535));
      MXF_TRY(weight, number_at(*data, "weight", 65535));
      MXF_TRY(port, number_at(*data, "port", 65535));
      MXF_TRY(target, text_at(*data, "target"));
      out.rdata = std::to_string(priority) + " " + std::to_string(weight) + " " +
                  std::to_string(port) + " " + with_dot(target);
    }
    Json extra = Json::object();
    for (const char* key : {"comment", "tags"})
      if (const auto* value = member(item, key);
          value != nullptr && !value->is_null() && !value->empty())
        extra[key] = *value;
    const auto* meta = member(item, "meta");
    if (is_true(item, "proxied"))
      extra["locked"] = "it is proxied; its address and TTL are Cloudflare's own";
    else if (meta != nullptr && (is_true(*meta, "email_routing") || is_true(*meta, "read_only")))
      extra["locked"] =
          "Email Routing or another product of Cloudflare owns it; switch that off "
          "first";
    out.extra = extra_text(extra);
    return out;
  }

  static Result<Json> body_of(const StoredRecord& record) {
    Json out = {{"name", without_dot(record.name)}, {"type", record.type}, {"ttl", record.ttl}};
    const auto words = fields_of(record.rdata);
    if (record.type == "TXT") {
      MXF_TRY(text, quoted_txt(record.rdata));
      out["content"] = text;
    } else if (record.type == "MX") {
      if (words.size() != 2) return fail(MXF_INVALID, "not a preference and a host");
      out["priority"] = std::atoi(words[0].c_str());
      out["content"] = words[1] == "." ? "." : without_dot(words[1]);
    } else if (record.type == "SRV") {
      if (words.size() != 4) return fail(MXF_INVALID, "an SRV record has four fields");
      out["data"] = {{"priority", std::atoi(words[0].c_str())},
                     {"weight", std::atoi(words[1].c_str())},
                     {"port", std::atoi(words[2].c_str())},
                     {"target", without_dot(words[3])}};
    } else if (record.type == "A" || record.type == "AAAA" || ends_in_host(record.type)) {
      out["content"] = without_dot(record.rdata);
    } else {
      return fail(MXF_UNSUPPORTED, "this plugin does not write records of this type");
    }
    const auto extra = extra_of(record.extra);
    for (const char* key : {"comment", "tags"})
      if (const auto* value = member(extra, key)) out[key] = *value;
    return out;
  }

  std::string id_;  // of the zone that was read last
};

}  // namespace
}  // namespace cloudflare

MXF_DNS_PLUGIN("cloudflare", cloudflare::Cloudflare)
