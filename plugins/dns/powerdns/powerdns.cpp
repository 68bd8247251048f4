// SPDX-License-Identifier: Apache-2.0
// DNS plugin `powerdns`: PowerDNS Authoritative Server over its HTTP API v1
// (https://doc.powerdns.com/authoritative/http-api/). One PATCH is one transaction of the server;
// it has no compare-and-swap, so `before` is read again right before each write. One operation at a
// time. verified 2026-11-24 on 4.7.3
#include "convert.hpp"

namespace powerdns {
namespace {

class PowerDns final : public sdk::DnsPlugin {
 public:
  using DnsPlugin::DnsPlugin;

  sdk::Result<void> start() override {
    base_ = host().config_or("url", "");
    while (base_.ends_with('/')) base_.pop_back();
    if (base_.ends_with("/api/v1")) base_.resize(base_.size() - 7);
    base_ += "/api/v1/servers/" + host().config_or("server_id", "localhost") + "/zones";
    notify_ = host().config_or("notify", "true") == "true";
    return {};
  }

  sdk::Result<std::vector<sdk::Zone>> list_zones() override {
    MXF_TRY(response, request("GET", ""));
    if (response.code != 200) return refused(response, "the list of zones");
    return parse_zone_list(response.body);
  }

  sdk::Result<sdk::Zone> describe_zone(const std::string& name) override {
    MXF_TRY(document, read(name));
    sdk::Zone zone{document.name, document.id, std::to_string(document.serial), 0, {}};
    for (const auto& set : document.rrsets)
      if (set.name == document.name && set.type == "NS")
        for (const auto& record : set.records) zone.name_servers.push_back(record.rdata);
    return zone;
  }

  sdk::Result<std::vector<sdk::RRset>> list_records(const std::string& zone) override {
    MXF_TRY(document, read(zone));
    return std::move(document.rrsets);
  }

  sdk::Result<sdk::ApplyOutcome> apply(const std::string& zone,
                                       const std::vector<sdk::Change>& changes) override {
    auto current = read(zone);
    if (!current) return nothing_done(current.error());
    for (const auto& change : changes)
      if (const auto conflict = conflict_with(*current, change); !conflict.empty())
        return nothing_done({MXF_CONFLICT, conflict});
    MXF_TRY(body, patch_body(changes));
    auto response = request("PATCH", "/" + zone_in_path(zone), body);
    if (!response) return fail(response.error());  // sent or not: nobody knows
    if (response->code != 204 && response->code != 200) {
      sdk::ApplyOutcome outcome;
      // A 4xx is a refusal as a whole; a 5xx may have come after the commit.
      outcome.applied = response->code < 500 ? sdk::Applied::none : sdk::Applied::unknown;
      outcome.why = failure(*response, "the change of " + zone);
      return outcome;
    }
    if (notify_ && (current->kind == "master" || current->kind == "primary"))
      tell_secondaries(zone);
    return sdk::ApplyOutcome{};
  }

 private:
  sdk::Result<sdk::HttpResponse> request(const std::string& method, const std::string& path,
                                         std::string body = {}) {
    sdk::HttpRequest q;
    q.method = method;
    q.url = base_ + path;
    q.headers = {{"X-API-Key", "${secret:api_key}"}, {"Accept", "application/json"}};
    if (!body.empty()) q.headers.push_back({"Content-Type", "application/json"});
    q.body = std::move(body);
    q.idempotent = method == "GET";
    return host().http(q);
  }

  sdk::Result<ZoneDocument> read(const std::string& zone) {
    MXF_TRY(response, request("GET", "/" + zone_in_path(zone)));
    if (response.code != 200) return refused(response, "zone " + zone);
    return parse_zone(response.body, zone);
  }

  // NOTIFY makes secondaries serve the change in a second instead of a refresh interval. The change
  // is done either way.
  void tell_secondaries(const std::string& zone) {
    const auto response = request("PUT", "/" + zone_in_path(zone) + "/notify");
    if (!response)
      host().log(MXF_LOG_WARN, "the change is written; NOTIFY to the secondaries failed");
    else if (response->code != 200)
      host().log(MXF_LOG_WARN,
                 "the change is written; NOTIFY was refused: " + error_words(response->body));
  }

  // Why the change must not be written; empty if it may.
  static std::string conflict_with(const ZoneDocument& document, const sdk::Change& change) {
    const auto& wanted = change.any();
    const sdk::RRset* found = nullptr;
    for (const auto& set : document.rrsets)
      if (set.name == wanted.name && set.type == wanted.type) found = &set;
    const std::string what = wanted.name + " " + wanted.type;
    if (!change.before) return found == nullptr ? "" : what + " exists already";
    if (found == nullptr) return what + " is gone";
    return same_rrset(*found, *change.before)
               ? ""
               : what + " was changed by someone else since it was read";
  }

  // 401 and 404 are plain text; older releases answered 422 for a missing zone.
  static sdk::Failure failure(const sdk::HttpResponse& response, const std::string& what) {
    sdk::Failure why;
    why.native_code = std::to_string(response.code);
    why.remote = error_words(response.body);
    const auto says = [&](std::string_view words) {
      return why.remote.find(words) != std::string::npos;
    };
    if (response.code == 401 || response.code == 403) {
      why.status = MXF_AUTH;
      why.text = "the API key is not accepted for " + what;
    } else if (response.code == 404 || says("Could not find domain")) {
      why.status = MXF_NOT_FOUND;
      why.text = what + " does not exist on this server";
    } else if (response.code == 429) {
      why.status = MXF_RATE_LIMITED;
      why.text = "too many requests";
    } else if (response.code >= 500) {
      why.status = MXF_REMOTE;
      why.text = "the server failed on " + what;
    } else {
      why.status = MXF_INVALID;
      why.text = "the server refuses " + what;
      if (says("onflicts with pre-existing RRset") || says("onflicts with another RRset"))
        why.text += ": a CNAME cannot stand beside other records of the same name";
      else if (says("is not canonical") || says("Not in expected format"))
        why.text += ": a name in it is not absolute (the final dot is missing)";
      else if (says("Duplicate record"))
        why.text += ": the same record stands twice in one RRset";
    }
    return why;
  }
  static mxferry::Unexpected<sdk::Failure> refused(const sdk::HttpResponse& response,
                                                   const std::string& what) {
    return sdk::fail(failure(response, what));
  }
  static sdk::Result<sdk::ApplyOutcome> nothing_done(sdk::Failure why) {
    sdk::ApplyOutcome outcome;
    outcome.applied = sdk::Applied::none;
    outcome.why = std::move(why);
    return outcome;
  }

  std::string base_;
  bool notify_ = true;
};

}  // namespace
}  // namespace powerdns

MXF_DNS_PLUGIN("powerdns", powerdns::PowerDns)
