// SPDX-License-Identifier: Apache-2.0
// DNS plugin `route53`: Amazon Route 53, API 2013-04-01, XML. A change is one batch of DELETE
// (which must match name, type, TTL and every value) and CREATE: the API itself refuses a stale
// one. It is live once GetChange says INSYNC. Query parameters are sent in sorted order, as they
// are signed. One operation at a time.
#include <mxferry/http_dns.hpp>
#include <mxferry/xml_answer.hpp>

#include "signature.hpp"

namespace route53 {
namespace {

using namespace mxferry::sdk;

bool octal_at(std::string_view text, std::size_t at) {
  if (at + 3 >= text.size() || text[at] != '\\' || text[at + 1] > '3') return false;
  for (std::size_t i = at + 1; i < at + 4; ++i)
    if (text[i] < '0' || text[i] > '7') return false;
  return true;
}

// The API writes \ooo in octal where zone files have \DDD, and joins strings: "a""b".
std::string from_octal(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (octal_at(text, i)) {
      const int byte = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
      out += {'\\', static_cast<char>('0' + byte / 100), static_cast<char>('0' + byte / 10 % 10),
              static_cast<char>('0' + byte % 10)};
      i += 3;
    } else if (text[i] == '\\' && i + 1 < text.size()) {
      out += {text[i], text[i + 1]};
      ++i;
    } else {
      if (text[i] == '"') {
        if (!quoted && !out.empty() && out.back() == '"') out.push_back(' ');
        quoted = !quoted;
      }
      out.push_back(text[i]);
    }
  }
  return out;
}
std::string name_from_octal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (octal_at(text, i)) {
      out.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                      (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return lower(with_dot(out));
}

class Route53 final : public HttpDns {
 public:
  explicit Route53(Host host) : HttpDns(host, 0) {}

  Result<void> start() override {
    MXF_CHECK(HttpDns::start());
    key_.region = host().config_or("region", "us-east-1");
    key_.service = "route53";
    zone_id_ = host().config_or("zone_id", "");
    return {};
  }

  Result<std::vector<Zone>> list_zones() override { return zones("", {}); }

  Result<Zone> describe_zone(const std::string& name) override {
    MXF_TRY(zone, zone_named(name));
    MXF_TRY(root, ask_xml("zone " + name, "/hostedzone/" + zone.id));
    const auto* set = root.child("DelegationSet");
    const auto* servers = set == nullptr ? nullptr : set->child("NameServers");
    if (servers == nullptr) return nonsense("no name servers");
    for (const auto& server : servers->children)
      zone.name_servers.push_back(lower(with_dot(server.text)));
    return zone;
  }

  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    MXF_TRY(info, zone_named(zone));
    id_ = info.id;
    std::vector<RRset> out;
    const std::string first = "/hostedzone/" + id_ + "/rrset?maxitems=300";
    const auto page = [&](const std::string& here) -> Result<std::string> {
      MXF_TRY(root, ask_xml("the records of " + zone, here));
      const auto* sets = root.child("ResourceRecordSets");
      if (sets == nullptr) return nonsense("no ResourceRecordSets");
      for (const auto& set : sets->children) MXF_CHECK(take(set, out));
      MXF_TRY(more, truncated(root));
      if (!more) return std::string();
      const auto name = root.text_of("NextRecordName");
      const auto type = root.text_of("NextRecordType");
      if (!name || !type) return nonsense("no next record");
      const auto identifier = root.text_of("NextRecordIdentifier");
      return "/hostedzone/" + id_ + "/rrset?" +
             (identifier ? "identifier=" + percent(*identifier) + "&" : "") +
             "maxitems=300&name=" + percent(*name) + "&type=" + percent(*type);
    };
    MXF_CHECK(each_page(first, page));
    if (out.empty()) return nonsense("a zone without any record");
    return out;
  }

  Result<bool> change_live(const std::string&, const std::string& id) override {
    MXF_TRY(root, ask_xml("change " + id, id));
    const auto* info = root.child("ChangeInfo");
    const auto status = info == nullptr ? std::optional<std::string>() : info->text_of("Status");
    if (status == "INSYNC") return true;
    if (status == "PENDING") return false;
    return nonsense("a change without state");
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest& q) override {
    MXF_TRY(id, host().secret("access_key_id"));
    MXF_TRY(secret, host().secret("secret_access_key"));
    SignedRequest request;
    request.method = q.method;
    const auto at = q.url.find("://") + 3;
    const auto slash = std::min(q.url.find('/', at), q.url.size());
    const auto mark = std::min(q.url.find('?'), q.url.size());
    request.host = lower(q.url.substr(at, slash - at));
    request.path = q.url.substr(slash, mark - slash);
    if (mark < q.url.size()) request.query = q.url.substr(mark + 1);
    request.body = q.body;
    if (const auto token = host().secret("session_token")) request.session_token = *token;
    SigningKey key = key_;
    key.access_key_id = id;
    key.secret_access_key = secret;
    const auto date = amz_date(host().now_ms());
    std::vector<Header> out = {{"X-Amz-Date", date},
                               {"Authorization", authorization(request, key, date)}};
    if (!request.session_token.empty())
      out.push_back({"X-Amz-Security-Token", "${secret:session_token}"});
    return out;
  }

  Failure explain(const HttpResponse& response, const std::string& what) const override {
    auto why = failure_of(response, what);
    const auto root = xml_of(response.body);
    const auto* error = root ? root->child("Error") : nullptr;
    if (error == nullptr) return why;
    const auto code = error->text_of("Code").value_or("");
    why.native_code = std::to_string(response.code) + " " + code;
    why.remote = error->text_of("Message").value_or("");
    const auto says = [&](std::string_view words) {
      return why.remote.find(words) != std::string::npos;
    };
    if (code == "Throttling" || code == "PriorRequestNotComplete") {
      why.status = MXF_RATE_LIMITED;
      why.text = "too many requests";
    } else if (code == "InvalidClientTokenId" || code == "SignatureDoesNotMatch" ||
               code == "ExpiredToken" || code == "IncompleteSignature" ||
               code == "UnrecognizedClientException") {
      why.status = MXF_AUTH;
      why.text = "the credentials are not accepted for " + what;
    } else if (code == "NoSuchHostedZone") {
      why.status = MXF_NOT_FOUND;
    } else if (code == "InvalidChangeBatch" &&
               (says("it already exists") || says("was not found") || says("do not match"))) {
      why.status = MXF_CONFLICT;
      why.text = "somebody else changed it since it was read";
    }
    return why;
  }

  Result<void> storable(const RRset& set, const Record& record) override {
    if (set.type != "TXT") return {};
    for (const auto& word : fields_of(record.rdata))
      if (txt_bytes(word).size() > 255)
        return fail(MXF_INVALID, "one string of a TXT holds at most 255 octets");
    return {};
  }
  bool swaps_atomically() const override { return true; }

  Result<void> write(const std::string& zone, const std::vector<Change>& changes,
                     const std::vector<RRset>& current) override {
    std::string body;
    std::size_t records = 0;
    const auto add = [&](const char* action, const RRset& set, bool as_read) {
      body += std::string("<Change><Action>") + action + "</Action><ResourceRecordSet><Name>" +
              xml_escaped(set.name) + "</Name><Type>" + set.type + "</Type><TTL>" +
              std::to_string(set.ttl) + "</TTL><ResourceRecords>";
      for (const auto& record : set.records) {
        body += "<ResourceRecord><Value>" +
                xml_escaped(as_read ? record.id : to_octal(set.type, record.rdata)) +
                "</Value></ResourceRecord>";
        ++records;
      }
      body += "</ResourceRecords></ResourceRecordSet></Change>";
    };
    for (const auto& set : current)
      for (const auto& change : changes)
        if (change.before && set.name == change.before->name && set.type == change.before->type)
          add("DELETE", set, true);
    for (const auto& change : changes)
      if (change.after) add("CREATE", *change.after, false);
    if (records > 1000 || body.size() > 32'000)
      return fail(MXF_INVALID,
                  "the change does not fit in one batch of the API, and two are not atomic");
    const std::string document =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ChangeResourceRecordSetsRequest "
        "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch><Changes>" +
        body + "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>";
    MXF_TRY(response, change("the change of " + zone, "POST", "/hostedzone/" + id_ + "/rrset/",
                             document, {{"Content-Type", "application/xml"}}));
    const auto root = xml_of(response.body);
    const auto* info = root ? root->child("ChangeInfo") : nullptr;
    const auto id = info == nullptr ? std::optional<std::string>() : info->text_of("Id");
    if (!id || !id->starts_with("/change/")) return nonsense("a change without an id");
    done_one();
    announce(*id);
    return {};
  }

 private:
  // RFC 1035's \DDD as the API's octal.
  static std::string to_octal(const std::string& type, std::string_view rdata) {
    if (type != "TXT") return std::string(rdata);
    std::string out;
    const auto digit = [&](std::size_t k) {
      return k < rdata.size() && rdata[k] >= '0' && rdata[k] <= '9';
    };
    for (std::size_t i = 0; i < rdata.size(); ++i) {
      if (rdata[i] == '\\' && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
        const int byte =
            (rdata[i + 1] - '0') * 100 + (rdata[i + 2] - '0') * 10 + (rdata[i + 3] - '0');
        out += {'\\', static_cast<char>('0' + byte / 64), static_cast<char>('0' + byte / 8 % 8),
                static_cast<char>('0' + byte % 8)};
        i += 3;
      } else if (rdata[i] == '\\' && i + 1 < rdata.size()) {
        out += {rdata[i], rdata[i + 1]};
        ++i;
      } else {
        out.push_back(rdata[i]);
      }
    }
    return out;
  }

  Result<XmlElement> ask_xml(const std::string& what, const std::string& path) {
    MXF_TRY(response, ask(what, path));
    auto root = xml_of(response.body);
    if (!root) return nonsense(what + " is no XML");
    return *std::move(root);
  }

  static Result<bool> truncated(const XmlElement& root) {
    const auto more = root.text_of("IsTruncated");
    if (more != "true" && more != "false") return nonsense("it does not say whether there is more");
    return more == "true";
  }

  Result<std::vector<Zone>> zones(const std::string& name, const std::string& only) {
    std::vector<Zone> out;
    const auto page = [&](const std::string& here) -> Result<std::string> {
      MXF_TRY(root, ask_xml("the list of hosted zones", here));
      const auto* list = root.child("HostedZones");
      if (list == nullptr) return nonsense("no HostedZones");
      for (const auto& item : list->children) {
        const auto id = item.text_of("Id");
        const auto its_name = item.text_of("Name");
        const auto* config = item.child("Config");
        const auto is_private =
            config == nullptr ? std::optional<std::string>() : config->text_of("PrivateZone");
        if (!id || !its_name || !is_private) return nonsense("a hosted zone without id or name");
        const auto bare = id->substr(id->rfind('/') + 1);
        if (*is_private != "false" || (!only.empty() && bare != only)) continue;
        Zone zone;
        zone.name = name_from_octal(*its_name);
        zone.id = bare;
        out.push_back(std::move(zone));
      }
      MXF_TRY(more, truncated(root));
      const auto next = root.text_of("NextDNSName");
      // The list is ordered by name: what was looked for is on the first page.
      if (!more || !name.empty()) return std::string();
      if (!next) return nonsense("no next zone");
      return "/hostedzonesbyname?dnsname=" + percent(*next) +
             "&hostedzoneid=" + percent(root.text_of("NextHostedZoneId").value_or("")) +
             "&maxitems=100";
    };
    MXF_CHECK(each_page(std::string("/hostedzonesbyname?") +
                            (name.empty() ? "" : "dnsname=" + percent(name) + "&") + "maxitems=100",
                        page));
    return out;
  }
  Result<Zone> zone_named(const std::string& name) {
    MXF_TRY(found, zones(name, zone_id_));
    return pick_zone(found, name);
  }

  // One ResourceRecordSet. Sets that share name and type (weighted, …) become one that is locked.
  static Result<void> take(const XmlElement& item, std::vector<RRset>& out) {
    const auto name = item.text_of("Name");
    const auto type = item.text_of("Type");
    const auto* values = item.child("ResourceRecords");
    const auto* alias = item.child("AliasTarget");
    if (!name || !type || (values == nullptr && alias == nullptr))
      return nonsense("a record set without name, type or values");
    RRset set;
    set.name = name_from_octal(*name);
    set.type = *type;
    std::string extra;
    if (alias != nullptr)
      extra = locked_extra("it is an alias of Route 53");
    else if (item.child("SetIdentifier") != nullptr)
      extra = locked_extra("it has a routing policy (weighted, latency, failover, …)");
    if (const auto ttl = item.text_of("TTL")) {
      const auto* end = ttl->data() + ttl->size();
      if (std::from_chars(ttl->data(), end, set.ttl).ptr != end || ttl->empty())
        return nonsense("a TTL that is no number");
    } else if (alias == nullptr) {
      return nonsense("a record set without a TTL");
    }
    if (alias != nullptr) {
      set.records.push_back({alias->text_of("DNSName").value_or("?"), {}, extra});
    } else {
      for (const auto& one : values->children) {
        const auto value = one.text_of("Value");
        if (!value) return nonsense("a record without a value");
        set.records.push_back({set.type == "TXT" || set.type == "SPF"
                                   ? from_octal(*value)
                                   : host_completed(set.type, *value),
                               *value, extra});
      }
    }
    if (set.records.empty()) return nonsense("a record set without values");
    for (auto& have : out)
      if (have.name == set.name && have.type == set.type) {
        if (extra.empty()) return nonsense("a record set that stands twice: " + set.name);
        for (auto& record : set.records) have.records.push_back(std::move(record));
        return {};
      }
    out.push_back(std::move(set));
    return {};
  }

  SigningKey key_;
  std::string zone_id_;  // setting
  std::string id_;       // of the zone that was read last
};

}  // namespace
}  // namespace route53

MXF_DNS_PLUGIN("route53", route53::Route53)
