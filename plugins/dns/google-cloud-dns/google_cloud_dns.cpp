// SPDX-License-Identifier: Apache-2.0
// DNS plugin `google-cloud-dns`: Cloud DNS v1. A change lists the complete old RRsets as deletions
// and the complete new ones as additions: it is atomic, and refused where an old one is not there
// as it is listed. It is live once its state is done. One operation at a time.
#include <mxferry/http_dns.hpp>

#include "assertion.hpp"

namespace google_cloud_dns {
namespace {

using namespace mxferry::sdk;

class GoogleCloudDns final : public HttpDns {
 public:
  explicit GoogleCloudDns(Host host) : HttpDns(host, 0) {}

  Result<void> start() override {
    MXF_CHECK(HttpDns::start());
    base_ += "/projects/" + percent(host().config_or("project", "")) + "/managedZones";
    token_url_ = host().config_or("token_url", "");
    managed_zone_ = host().config_or("managed_zone", "");
    return {};
  }

  Result<std::vector<Zone>> list_zones() override { return zones(""); }
  Result<Zone> describe_zone(const std::string& name) override {
    MXF_TRY(found, zones(name));
    return pick_zone(found, name);
  }

  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    MXF_TRY(info, describe_zone(zone));
    id_ = info.id;
    std::vector<RRset> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(set, rrset_of(item));
      if (find_set(out, set.name, set.type) != nullptr)
        return nonsense("an RRset that stands twice: " + set.name);
      out.push_back(std::move(set));
      return {};
    };
    MXF_CHECK(pages("/" + id_ + "/rrsets", "rrsets", "the records of " + zone, keep));
    if (out.empty()) return nonsense("a zone without any record");
    return out;
  }

  Result<bool> change_live(const std::string& zone, const std::string& id) override {
    if (id_.empty()) {
      MXF_TRY(info, describe_zone(zone));
      id_ = info.id;
    }
    MXF_TRY(json, ask_json("change " + id, "/" + id_ + "/changes/" + percent(id)));
    MXF_TRY(status, text_at(json, "status"));
    if (status != "done" && status != "pending") return nonsense("a change without state");
    return status == "done";
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    MXF_CHECK(fetch_token());
    return std::vector<Header>{{"Authorization", "Bearer " + token_}};
  }
  bool swaps_atomically() const override { return true; }
  Result<void> storable(const RRset& set, const Record& record) override {
    if (set.type != "TXT") return {};
    MXF_TRY(text, quoted_txt(record.rdata));
    return {};
  }

  Failure explain(const HttpResponse& response, const std::string& what) const override {
    auto why = failure_of(response, what);
    // A deletion that does not match is answered with 404 or 412, an addition that is there with
    // 409.
    if (response.code == 404 && what.starts_with("the change")) why.status = MXF_CONFLICT;
    if (const auto at = why.remote.find(token_); !token_.empty() && at != std::string::npos)
      why.remote.replace(at, token_.size(), "[token]");
    return why;
  }

  Result<void> write(const std::string& zone, const std::vector<Change>& changes,
                     const std::vector<RRset>& current) override {
    Json body = {{"deletions", Json::array()}, {"additions", Json::array()}};
    for (const auto& change : changes) {
      if (change.before) {
        // As it was read: the API compares every value.
        const auto* had = find_set(current, change.before->name, change.before->type);
        Json set = named(*had);
        for (const auto& record : had->records) set["rrdatas"].push_back(record.rdata);
        body["deletions"].push_back(std::move(set));
      }
      if (!change.after) continue;
      Json set = named(*change.after);
      for (const auto& record : change.after->records) {
        if (change.after->type == "TXT") {
          MXF_TRY(text, quoted_txt(record.rdata));
          set["rrdatas"].push_back(text);
        } else {
          set["rrdatas"].push_back(record.rdata);
        }
      }
      body["additions"].push_back(std::move(set));
    }
    if (body["deletions"].size() > 1000 || body["additions"].size() > 1000)
      return fail(MXF_INVALID,
                  "the change does not fit in one request of the API, and two are not atomic");
    MXF_TRY(json, change_json("the change of " + zone, "POST", "/" + id_ + "/changes", body, "id"));
    MXF_TRY(id, id_at(json, "id"));
    announce(id);
    return {};
  }

 private:
  static Json named(const RRset& set) {
    return {{"name", set.name}, {"type", set.type}, {"ttl", set.ttl}, {"rrdatas", Json::array()}};
  }

  Result<void> fetch_token() {
    const auto now = host().now_ms() / 1000;
    if (!token_.empty() && now < token_expires_) return {};
    MXF_TRY(file, host().secret("service_account"));
    const auto account = json_of(file);
    if (!account)
      return fail(MXF_INVALID, "the secret service_account is not the JSON of a key file");
    const auto email = text_at(*account, "client_email");
    const auto key = text_at(*account, "private_key");
    if (!email || !key)
      return fail(MXF_INVALID, "the key file has no client_email or no private_key");
    const auto key_id = text_at(*account, "private_key_id");
    const auto signed_text =
        assertion(*email, key_id ? *key_id : std::string(), *key, token_url_, now);
    if (!signed_text) return fail(MXF_INVALID, "the private key of the key file cannot sign");
    HttpRequest q;
    q.method = "POST";
    q.url = token_url_;
    q.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    q.body = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" +
             *signed_text;
    q.idempotent = true;
    MXF_TRY(response, host().http(q));
    if (response.code != 200) {
      auto why = failure_of(response, "a token");
      if (response.code == 400) why.status = MXF_AUTH;
      return fail(std::move(why));
    }
    MXF_TRY(json, parsed(response.body, "the token"));
    MXF_TRY(token, text_at(json, "access_token"));
    MXF_TRY(seconds, number_at(json, "expires_in"));
    token_ = token;
    token_expires_ = now + seconds - 60;
    return {};
  }

  Result<void> pages(const std::string& path, const char* key, const std::string& what,
                     const std::function<Result<void>(const Json&)>& item) {
    const std::string mark = path.find('?') == std::string::npos ? "?" : "&";
    const auto page = [&](const std::string& here) -> Result<std::string> {
      MXF_TRY(json, ask_json(what, here));
      MXF_TRY(list, array_at(json, key));
      for (const auto& one : list) MXF_CHECK(item(one));
      // There is no total: a text that is not known here might say that there is more.
      for (const auto& [name, value] : json.items())
        if (value.is_string() && name != "kind" && name != "nextPageToken")
          return nonsense("a listing with an unknown " + name);
      if (member(json, "nextPageToken") == nullptr) return std::string();
      MXF_TRY(token, text_at(json, "nextPageToken"));
      return path + mark + "pageToken=" + percent(token);
    };
    return each_page(path, page);
  }

  Result<std::vector<Zone>> zones(const std::string& name) {
    std::vector<Zone> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      Zone zone;
      MXF_TRY(dns_name, text_at(item, "dnsName"));
      MXF_TRY(id, text_at(item, "name"));
      MXF_TRY(number, id_at(item, "id"));
      MXF_TRY(servers, array_at(item, "nameServers"));
      const auto* visibility = member(item, "visibility");
      if (visibility != nullptr && *visibility == "private") return {};
      if (!managed_zone_.empty() && id != managed_zone_) return {};
      zone.name = lower(dns_name);
      zone.id = number;
      for (const auto& server : servers)
        if (server.is_string()) zone.name_servers.push_back(lower(server.get<std::string>()));
      out.push_back(std::move(zone));
      return {};
    };
    MXF_CHECK(pages(name.empty() ? "" : "?dnsName=" + percent(name), "managedZones",
                    "the list of managed zones", keep));
    return out;
  }

  static Result<RRset> rrset_of(const Json& item) {
    RRset set;
    MXF_TRY(name, text_at(item, "name"));
    MXF_TRY(type, text_at(item, "type"));
    set.name = lower(name);
    set.type = type;
    if (member(item, "routingPolicy") != nullptr) {
      set.records.push_back({"?", {}, locked_extra("it has a routing policy")});
      return set;
    }
    MXF_TRY(ttl, number_at(item, "ttl"));
    MXF_TRY(values, array_at(item, "rrdatas"));
    set.ttl = ttl;
    for (const auto& value : values) {
      if (!value.is_string()) return nonsense("a value that is no text");
      set.records.push_back({value.get<std::string>()});
    }
    if (set.records.empty()) return nonsense("an RRset without values: " + set.name);
    return set;
  }

  std::string token_url_, managed_zone_;
  std::string id_;  // of the zone that was read last
  std::string token_;
  std::int64_t token_expires_ = 0;  // Unix seconds
};

}  // namespace
}  // namespace google_cloud_dns

MXF_DNS_PLUGIN("google-cloud-dns", google_cloud_dns::GoogleCloudDns)
