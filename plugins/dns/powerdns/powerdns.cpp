// SPDX-License-Identifier: Apache-2.0
// DNS plugin `powerdns`: PowerDNS Authoritative Server over its HTTP API v1
// (https://doc.powerdns.com/authoritative/http-api/). One PATCH is one transaction of the server;
// it has no compare-and-swap, so `before` is read again right before each write. One operation at a
// time. verified 2026-11-24 on 4.7.3
#include <mxferry/http_dns.hpp>

#include "convert.hpp"

namespace powerdns {
namespace {

using namespace mxferry::sdk;

class PowerDns final : public HttpDns {
 public:
  explicit PowerDns(Host host) : HttpDns(host, 0) {}

  Result<void> start() override {
    MXF_CHECK(HttpDns::start());
    if (base_.ends_with("/api/v1")) base_.resize(base_.size() - 7);
    base_ += "/api/v1/servers/" + host().config_or("server_id", "localhost") + "/zones";
    notify_ = host().config_or("notify", "true") == "true";
    return {};
  }

  Result<std::vector<Zone>> list_zones() override {
    MXF_TRY(response, ask("the list of zones", ""));
    return parse_zone_list(response.body);
  }

  Result<Zone> describe_zone(const std::string& name) override {
    MXF_TRY(document, read(name));
    Zone zone{document.name, document.id, std::to_string(document.serial), 0, {}};
    if (const auto* set = find_set(document.rrsets, document.name, "NS"))
      for (const auto& record : set->records) zone.name_servers.push_back(record.rdata);
    return zone;
  }

  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    MXF_TRY(document, read(zone));
    kind_ = document.kind;
    return std::move(document.rrsets);
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"X-API-Key", "${secret:api_key}"}};
  }
  bool swaps_atomically() const override { return true; }
  bool same(const RRset& a, const RRset& b) const override { return same_served(a, b); }

  Result<void> write(const std::string& zone, const std::vector<Change>& changes,
                     const std::vector<RRset>&) override {
    MXF_TRY(body, patch_body(changes));
    MXF_TRY(done, change("the change of " + zone, "PATCH", "/" + zone_in_path(zone), body,
                         {{"Content-Type", "application/json"}}));
    done_one();
    if (notify_ && (kind_ == "master" || kind_ == "primary")) tell_secondaries(zone);
    return {};
  }

  // 401 and 404 are plain text; older releases answered 422 for a missing zone.
  Failure explain(const HttpResponse& response, const std::string& what) const override {
    auto why = failure_of(response, what);
    const auto says = [&](std::string_view words) {
      return why.remote.find(words) != std::string::npos;
    };
    if (response.code == 401 || response.code == 403) {
      why.status = MXF_AUTH;
      why.text = "the API key is not accepted for " + what;
    } else if (says("Could not find domain")) {
      why.status = MXF_NOT_FOUND;
      why.text = what + " does not exist";
    } else if (why.status == MXF_INVALID) {
      if (says("onflicts with pre-existing RRset") || says("onflicts with another RRset"))
        why.text += ": a CNAME cannot stand beside other records of the same name";
      else if (says("is not canonical") || says("Not in expected format"))
        why.text += ": a name in it is not absolute (the final dot is missing)";
      else if (says("Duplicate record"))
        why.text += ": the same record stands twice in one RRset";
    }
    return why;
  }

 private:
  Result<ZoneDocument> read(const std::string& zone) {
    MXF_TRY(response, ask("zone " + zone, "/" + zone_in_path(zone)));
    return parse_zone(response.body, zone);
  }

  // NOTIFY makes secondaries serve the change in a second instead of a refresh interval. The change
  // is done either way.
  void tell_secondaries(const std::string& zone) {
    const auto response = ask("NOTIFY", "/" + zone_in_path(zone) + "/notify", "PUT");
    if (!response)
      host().log(MXF_LOG_WARN, "the change is written; NOTIFY to the secondaries failed: " +
                                   response.error().remote);
  }

  std::string kind_;  // of the zone that was read last
  bool notify_ = true;
};

}  // namespace
}  // namespace powerdns

MXF_DNS_PLUGIN("powerdns", powerdns::PowerDns)
