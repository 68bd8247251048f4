// SPDX-License-Identifier: Apache-2.0
// DNS plugin `desec`: deSEC API v1. A change is one PATCH of the domain's list of RRsets, which is
// all-or-nothing; an RRset without records is deleted by it. There is no compare-and-swap. Listings
// are read by cursor, whose next page the header Link names. One operation at a time.
#include <mxferry/http_dns.hpp>

namespace desec {
namespace {

using namespace mxferry::sdk;

class Desec final : public HttpDns {
 public:
  // The floor differs by account; the API knows it.
  explicit Desec(Host host) : HttpDns(host, 1) {}

  Result<std::vector<Zone>> list_zones() override {
    std::vector<Zone> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      MXF_TRY(name, text_at(item, "name"));
      MXF_TRY(floor, number_at(item, "minimum_ttl"));
      out.push_back({lower(name) + ".", name, {}, floor, {}});
      return {};
    };
    MXF_CHECK(pages("/domains/", "the list of domains", keep));
    return out;
  }

  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    std::vector<RRset> out;
    const auto keep = [&](const Json& item) -> Result<void> {
      RRset set;
      MXF_TRY(sub, text_at(item, "subname"));
      MXF_TRY(type, text_at(item, "type"));
      MXF_TRY(ttl, number_at(item, "ttl"));
      MXF_TRY(records, array_at(item, "records"));
      set.name = absolute_name(sub, zone);
      set.type = type;
      set.ttl = ttl;
      for (const auto& record : records) {
        if (!record.is_string()) return nonsense("a record that is no text");
        set.records.push_back({record.get<std::string>()});
      }
      if (set.records.empty() || find_set(out, set.name, set.type) != nullptr)
        return nonsense("an RRset without records, or twice: " + set.name);
      out.push_back(std::move(set));
      return {};
    };
    MXF_CHECK(pages(path_of(zone), "the records of " + zone, keep));
    if (out.empty()) return nonsense("a zone without any record");
    return out;
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{{"Authorization", "Token ${secret:token}"}};
  }
  bool swaps_atomically() const override { return true; }
  Result<void> storable(const RRset& set, const Record& record) override {
    if (set.type != "TXT") return {};
    MXF_TRY(text, quoted_txt(record.rdata));
    return {};
  }

  Result<void> write(const std::string& zone, const std::vector<Change>& changes,
                     const std::vector<RRset>&) override {
    Json sets = Json::array();
    for (const auto& change : changes) {
      const auto& any = change.any();
      Json set = {{"subname", relative_name(any.name, zone, "")},
                  {"type", any.type},
                  {"ttl", any.ttl},
                  {"records", Json::array()}};
      if (change.after)
        for (const auto& record : change.after->records) {
          if (any.type != "TXT") {
            set["records"].push_back(record.rdata);
            continue;
          }
          MXF_TRY(text, quoted_txt(record.rdata));
          set["records"].push_back(text);
        }
      sets.push_back(std::move(set));
    }
    MXF_TRY(done, change_json("the change of " + zone, "PATCH", path_of(zone), sets, ""));
    return {};
  }

 private:
  static std::string path_of(const std::string& zone) {
    return "/domains/" + percent(without_dot(zone)) + "/rrsets/";
  }

  // RFC 8288: <URL>; rel="next". Followed only below our own base.
  Result<std::string> next_of(const HttpResponse& response) const {
    std::string_view rest = response.header("link");
    while (!rest.empty()) {
      const auto open = rest.find('<');
      const auto close = rest.find('>', open == std::string_view::npos ? 0 : open);
      if (open == std::string_view::npos || close == std::string_view::npos) break;
      const auto url = rest.substr(open + 1, close - open - 1);
      rest.remove_prefix(close + 1);
      const auto more = std::min(rest.find('<'), rest.size());
      const bool next = rest.substr(0, more).find("rel=\"next\"") != std::string_view::npos;
      rest.remove_prefix(more);
      if (!next) continue;
      if (!url.starts_with(base_ + "/")) return nonsense("its next page lies elsewhere");
      return std::string(url);
    }
    return std::string();
  }

  Result<void> pages(const std::string& path, const std::string& what,
                     const std::function<Result<void>(const Json&)>& item) {
    const auto page = [&](const std::string& here) -> Result<std::string> {
      MXF_TRY(response, ask(what, here));
      MXF_TRY(list, parsed(response.body, what));
      if (!list.is_array()) return nonsense(what + " is no list");
      for (const auto& one : list) MXF_CHECK(item(one));
      MXF_TRY(next, next_of(response));
      if (list.empty() && !next.empty()) return nonsense("an empty page before the last");
      return next;
    };
    return each_page(path + "?cursor=", page);
  }
};

}  // namespace
}  // namespace desec

MXF_DNS_PLUGIN("desec", desec::Desec)
