// SPDX-License-Identifier: Apache-2.0
// DNS plugin `gandi`: LiveDNS v5. An RRset is created by POST and replaced by PUT, always with its
// TTL; there is no compare-and-swap. Names are relative, "@" is the zone; a host without a final
// dot is relative to the zone. One operation at a time.
#include <mxferry/http_dns.hpp>

namespace gandi {
namespace {

using namespace mxferry::sdk;

class Gandi final : public RRsetDns {
 public:
  explicit Gandi(Host host) : RRsetDns(host, 300) {}

  Result<std::vector<Zone>> list_zones() override {
    std::vector<Zone> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(name, text_at(item, "fqdn"));
      out.push_back({lower(name) + ".", name, {}, 300, {}});
      return {};
    };
    MXF_CHECK(pages("/domains", "the list of domains", keep));
    return out;
  }

  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    std::vector<RRset> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      RRset set;
      MXF_TRY(name, text_at(item, "rrset_name"));
      MXF_TRY(type, text_at(item, "rrset_type"));
      MXF_TRY(ttl, number_at(item, "rrset_ttl"));
      MXF_TRY(values, array_at(item, "rrset_values"));
      set.name = absolute_name(name, zone);
      set.type = type;
      set.ttl = ttl;
      for (const auto& value : values) {
        if (!value.is_string()) return nonsense("a value that is no text");
        const auto text = value.get<std::string>();
        set.records.push_back({type == "TXT" ? txt_as_read(text) : host_in_zone(type, text, zone)});
      }
      if (set.records.empty() || find_set(out, set.name, set.type) != nullptr)
        return nonsense("an RRset without values, or twice: " + set.name);
      out.push_back(std::move(set));
      return {};
    };
    MXF_CHECK(pages("/domains/" + percent(without_dot(zone)) + "/records", "the records of " + zone,
                    keep));
    if (out.empty()) return nonsense("a zone without any record");
    return out;
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"Authorization", "Bearer ${secret:token}"}};
  }
  Result<void> storable(const RRset& set, const Record& record) override {
    if (set.ttl > 2'592'000) return fail(MXF_INVALID, "the TTL is above 30 days");
    if (set.type != "TXT") return {};
    MXF_TRY(text, quoted_txt(record.rdata));
    return {};
  }
  Result<void> put(const std::string& zone, const RRset& now, const RRset* had) override {
    Json values = Json::array();
    for (const auto& record : now.records) {
      if (now.type == "TXT") {
        MXF_TRY(text, quoted_txt(record.rdata));
        values.push_back(text);
      } else {
        values.push_back(record.rdata);
      }
    }
    const Json body = {{"rrset_values", values}, {"rrset_ttl", now.ttl}};
    MXF_TRY(done, change_json(now.name + " " + now.type, had == nullptr ? "POST" : "PUT",
                              path_of(zone, now), body, "message"));
    return {};
  }
  Result<void> erase(const std::string& zone, const RRset& had) override {
    MXF_TRY(done, change_json(had.name + " " + had.type, "DELETE", path_of(zone, had), {}, ""));
    return {};
  }

 private:
  static std::string path_of(const std::string& zone, const RRset& set) {
    return "/domains/" + percent(without_dot(zone)) + "/records/" +
           percent(relative_name(set.name, zone, "@")) + "/" + set.type;
  }

  // The header Total-Count says how many there are.
  Result<void> pages(const std::string& path, const std::string& what,
                     const std::function<Result<void>(const Json&)>& item) {
    constexpr std::size_t kPage = 500;
    std::size_t count = 0;
    std::size_t number = 1;
    const auto page = [&](const std::string& here) -> Result<std::string> {
      MXF_TRY(response, ask(what, here));
      MXF_TRY(list, parsed(response.body, what));
      if (!list.is_array()) return nonsense(what + " is no list");
      for (const auto& one : list) MXF_CHECK(item(one));
      count += list.size();
      const auto header = response.header("total-count");
      std::size_t total = 0;
      std::from_chars(header.data(), header.data() + header.size(), total);
      if (!header.empty() && list.empty() && count < total)
        return nonsense("it announced " + std::string(header) + " and sent " +
                        std::to_string(count));
      const bool more = header.empty() ? list.size() >= kPage : count < total;
      if (!more) return std::string();
      return path + "?per_page=500&page=" + std::to_string(++number);
    };
    return each_page(path + "?per_page=500", page);
  }
};

}  // namespace
}  // namespace gandi

MXF_DNS_PLUGIN("gandi", gandi::Gandi)
