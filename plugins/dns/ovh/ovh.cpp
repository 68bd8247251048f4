// SPDX-License-Identifier: Apache-2.0
// DNS plugin `ovh`: OVHcloud API 1.0. Records are created, changed and deleted one by one in a
// staged copy of the zone, which POST …/refresh publishes. Requests are signed with SHA-1 over
// secret, consumer key, method, URL, body and the server's time. One operation at a time.
#include <openssl/evp.h>

#include <mxferry/http_dns.hpp>

namespace ovh {
namespace {

using namespace mxferry::sdk;

constexpr std::uint32_t kDefaultTtl = 3600;

std::string sha1_hex(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::string out;
  for (unsigned i = 0; i < size; ++i) out += {kHex[digest[i] >> 4U], kHex[digest[i] & 15U]};
  return out;
}

class Ovh final : public RecordDns {
 public:
  explicit Ovh(Host host) : RecordDns(host, 60) {}

  Result<std::vector<Zone>> list_zones() override {
    MXF_TRY(json, ask_json("the list of zones", "/domain/zone"));
    if (!json.is_array()) return nonsense("the list of zones is none");
    std::vector<Zone> out;
    for (const auto& item : json) {
      if (!item.is_string()) return nonsense("a zone that is no text");
      const auto name = item.get<std::string>();
      out.push_back({lower(name) + ".", name, {}, 60, {}});
    }
    return out;
  }

  Result<Zone> describe_zone(const std::string& name) override {
    MXF_TRY(json, ask_json("zone " + name, zone_path(name)));
    MXF_TRY(servers, array_at(json, "nameServers"));
    Zone out{name, without_dot(name), {}, 60, {}};
    for (const auto& server : servers)
      if (server.is_string())
        out.name_servers.push_back(lower(with_dot(server.get<std::string>())));
    return out;
  }

  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    if (unpublished_)
      return fail(MXF_CONFLICT, "records of " + zone +
                                    " are written and not published: publish the zone in OVH's "
                                    "manager (or POST its refresh), then run again");
    MXF_TRY(deployed, is_deployed(zone));
    if (!deployed)
      return fail(MXF_CONFLICT, "zone " + zone +
                                    " holds changes that are not published yet: publish or drop "
                                    "them in OVH's manager, then run again");
    return RecordDns::list_records(zone);
  }

  Result<bool> change_live(const std::string& zone, const std::string&) override {
    return is_deployed(zone);
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest& q) override {
    MXF_CHECK(learn_time());
    MXF_TRY(secret, host().secret("application_secret"));
    MXF_TRY(consumer, host().secret("consumer_key"));
    const auto time = std::to_string(host().now_ms() / 1000 + ahead_);
    const auto signature = "$1$" + sha1_hex(secret + "+" + consumer + "+" + q.method + "+" + q.url +
                                            "+" + q.body + "+" + time);
    return std::vector<Header>{{"X-Ovh-Application", "${secret:application_key}"},
                               {"X-Ovh-Consumer", "${secret:consumer_key}"},
                               {"X-Ovh-Timestamp", time},
                               {"X-Ovh-Signature", signature}};
  }

  Failure explain(const HttpResponse& response, const std::string& what) const override {
    auto why = failure_of(response, what);
    // 403 names a signature or key that does not hold, and a call that the key may not make.
    if (response.code == 403 && (why.native_code.find("INVALID") != std::string::npos ||
                                 why.native_code.find("NOT_CREDENTIAL") != std::string::npos ||
                                 why.remote.find("credential") != std::string::npos))
      why.status = MXF_AUTH;
    return why;
  }

  Result<std::vector<StoredRecord>> read(const std::string& zone) override {
    const auto what = "the records of " + zone;
    MXF_TRY(ids, ask_json(what, zone_path(zone) + "/record"));
    if (!ids.is_array() || ids.empty()) return nonsense(what + " are no list, or none");
    std::vector<StoredRecord> out;
    for (const auto& id : ids) {
      if (!id.is_number_unsigned()) return nonsense("an id that is no number");
      const auto number = std::to_string(id.get<std::uint64_t>());
      MXF_TRY(item, ask_json(what, zone_path(zone) + "/record/" + number));
      MXF_TRY(record, stored(item, zone));
      if (record.id != number) return nonsense("asked for record " + number + ", got another");
      out.push_back(std::move(record));
      host().progress(out.size(), ids.size());
    }
    return out;
  }

  Result<void> storable(const RRset& set, const Record& record) override {
    MXF_TRY(target, target_of({{}, set.name, set.type, set.ttl, record.rdata, record.extra}));
    return {};
  }

  Result<void> perform(const std::string& zone, const std::vector<RecordStep>& steps) override {
    if (steps.empty()) return {};
    unpublished_ = true;
    MXF_CHECK(RecordDns::perform(zone, steps));
    MXF_TRY(done,
            change_json("publishing " + zone, "POST", zone_path(zone) + "/refresh", Json(), ""));
    unpublished_ = false;
    announce("refresh");
    return {};
  }
  Result<void> create(const std::string& zone, const StoredRecord& now) override {
    MXF_TRY(target, target_of(now));
    const Json body = {{"fieldType", now.type},
                       {"subDomain", relative_name(now.name, zone, "")},
                       {"target", target},
                       {"ttl", now.ttl}};
    MXF_TRY(done, change_json("a new record of " + now.name, "POST", zone_path(zone) + "/record",
                              body, "id"));
    return {};
  }
  Result<void> update(const std::string& zone, const StoredRecord& now) override {
    MXF_TRY(target, target_of(now));
    const Json body = {
        {"subDomain", relative_name(now.name, zone, "")}, {"target", target}, {"ttl", now.ttl}};
    MXF_TRY(done, change_json("a record of " + now.name, "PUT",
                              zone_path(zone) + "/record/" + now.id, body, ""));
    return {};
  }
  Result<void> remove(const std::string& zone, const StoredRecord& old) override {
    MXF_TRY(done, change_json("a record of " + old.name, "DELETE",
                              zone_path(zone) + "/record/" + old.id, Json(), ""));
    return {};
  }

 private:
  static std::string zone_path(const std::string& zone) {
    return "/domain/zone/" + percent(without_dot(zone));
  }

  Result<bool> is_deployed(const std::string& zone) {
    MXF_TRY(json, ask_json("the state of " + zone, zone_path(zone) + "/status"));
    const auto* deployed = member(json, "isDeployed");
    if (deployed == nullptr || !deployed->is_boolean())
      return nonsense("it does not say whether the zone is deployed");
    return deployed->get<bool>();
  }

  // The signature holds the server's time; how far it is ahead is asked once a session.
  Result<void> learn_time() {
    if (knows_time_) return {};
    HttpRequest q;
    q.url = base_ + "/auth/time";
    q.idempotent = true;
    MXF_TRY(response, host().http(q));
    if (response.code != 200) return fail(explain(response, "the server's time"));
    MXF_TRY(time, parsed(response.body, "the server's time"));
    if (!time.is_number_unsigned() || time.get<std::uint64_t>() > 0xffffffffU ||
        time.get<std::uint64_t>() < 1'500'000'000U)
      return nonsense("its time is none of these years");
    ahead_ = time.get<std::int64_t>() - host().now_ms() / 1000;
    knows_time_ = true;
    return {};
  }

  static bool is_native(std::string_view type) {
    return type == "SPF" || type == "DKIM" || type == "DMARC";
  }

  static Result<StoredRecord> stored(const Json& item, const std::string& zone) {
    StoredRecord out;
    MXF_TRY(id, id_at(item, "id"));
    MXF_TRY(type, text_at(item, "fieldType"));
    MXF_TRY(target, text_at(item, "target"));
    MXF_TRY(ttl, number_at(item, "ttl"));
    const auto* sub = member(item, "subDomain");
    if (sub == nullptr || !(sub->is_string() || sub->is_null()))
      return nonsense("a record without a name");
    out.id = id;
    out.name = absolute_name(sub->is_string() ? sub->get<std::string>() : std::string(), zone);
    out.type = is_native(type) ? "TXT" : type;
    out.ttl = ttl == 0 ? kDefaultTtl : ttl;
    out.rdata = out.type == "TXT" ? txt_as_read(target) : host_in_zone(type, target, zone);
    if (is_native(type)) out.extra = Json{{"native", type}}.dump();
    return out;
  }

  static Result<std::string> target_of(const StoredRecord& record) {
    if (record.type != "TXT") return record.rdata;
    const auto extra = extra_of(record.extra);
    const auto* native = member(extra, "native");
    // Native DKIM and DMARC carry their text without quotes.
    if (native != nullptr && (*native == "DKIM" || *native == "DMARC"))
      return plain_txt(record.rdata, {});
    return quoted_txt(record.rdata);
  }

  std::int64_t ahead_ = 0;  // seconds of the server's clock before ours
  bool knows_time_ = false;
  bool unpublished_ = false;  // written here, and no refresh has succeeded since
};

}  // namespace
}  // namespace ovh

MXF_DNS_PLUGIN("ovh", ovh::Ovh)
