// SPDX-License-Identifier: Apache-2.0
#include "support/fake_zone.hpp"

#include <algorithm>
#include <set>

#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf.hpp"

namespace mxferry::test {

FakeZone::FakeZone() {
  const auto put = [&](const std::string& name, const std::string& type, std::string rdata) {
    add({{}, name, type, 3600, std::move(rdata)});
  };
  put(name_, "NS", "ns1.fake.test.");
  put(name_, "NS", "ns2.fake.test.");
  put(name_, "MX", "10 mx1.old.test.");
  put(name_, "MX", "20 mx2.old.test.");
  put(name_, "TXT", "\"v=spf1 include:old.test -all\"");
  put(name_, "TXT", "\"google-site-verification=abc\"");
  put("sel._domainkey." + name_, "TXT",
      dns::txt_rdata("v=DKIM1; k=rsa; p=" + std::string(380, 'A')));
  put("two._domainkey." + name_, "CNAME", "two.dkim.old.test.");
  put("_dmarc." + name_, "TXT", "\"v=DMARC1; p=none\"");
  put("_autodiscover._tcp." + name_, "SRV", "0 5 443 mail.old.test.");
  put("www." + name_, "A", "192.0.2.1");
  put("sub." + name_, "NS", "ns1.elsewhere.test.");
}

std::vector<FakeRecord> FakeZone::of(const std::string& name, const std::string& type) const {
  std::vector<FakeRecord> out;
  for (const auto& record : records_)
    if (record.name == name && record.type == type) out.push_back(record);
  return out;
}

FakeRecord* FakeZone::find(const std::string& id) {
  for (auto& record : records_)
    if (record.id == id) return &record;
  return nullptr;
}

std::string FakeZone::add(FakeRecord record) {
  record.id = std::to_string(++next_);
  records_.push_back(record);
  return record.id;
}

bool FakeZone::remove(const std::string& id) {
  return std::erase_if(records_, [&](const FakeRecord& record) { return record.id == id; }) > 0;
}

void FakeZone::replace_set(const std::string& name, const std::string& type,
                           std::vector<FakeRecord> records) {
  std::erase_if(records_, [&](const FakeRecord& record) {
    return record.name == name && record.type == type;
  });
  for (auto& record : records) add(std::move(record));
}

std::string FakeZone::begin(std::function<void()> change, int rounds) {
  const auto id = std::to_string(++next_);
  pending_[id] = {std::move(change), rounds};
  return id;
}

std::optional<bool> FakeZone::look(const std::string& id) {
  const auto it = pending_.find(id);
  if (it == pending_.end()) return {};
  if (it->second.change && --it->second.rounds <= 0) {
    it->second.change();
    it->second.change = nullptr;
  }
  return it->second.change == nullptr;
}

void FakeZone::observe() {
  int mx = 0;
  int spf = 0;
  std::map<std::string, std::set<std::string>> types;
  for (const auto& record : served()) {
    types[record.name].insert(record.type);
    if (record.name != name_) continue;
    if (record.type == "MX") ++mx;
    if (record.type != "TXT") continue;
    const auto text = dns::txt_text(record.rdata);
    if (text && dns::is_spf(*text)) ++spf;
  }
  if (mx == 0) ++without_mx_;
  if (spf > 1) ++two_spf_;
  for (const auto& [name, kinds] : types)
    if (kinds.contains("CNAME") && kinds.size() > 1) ++beside_cname_;
}

namespace {

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out.push_back(static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16)));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

}  // namespace

ApiRequest::ApiRequest(const net::HttpRequest& q)
    : method(q.method), body(q.body), headers(q.headers) {
  auto rest = std::string_view(q.url);
  rest.remove_prefix(rest.find("://") + 3);
  host = header("Host").empty() ? std::string(rest.substr(0, rest.find('/'))) : header("Host");
  rest.remove_prefix(std::min(rest.size(), rest.find('/')));
  const auto mark = rest.find('?');
  path = std::string(rest.substr(0, mark));
  auto pairs = mark == std::string_view::npos ? std::string_view() : rest.substr(mark + 1);
  const bool form =
      header("Content-Type").starts_with("application/x-www-form-urlencoded") && !body.empty();
  const auto take = [&](std::string_view list) {
    while (!list.empty()) {
      const auto end = std::min(list.size(), list.find('&'));
      const auto one = list.substr(0, end);
      const auto equal = std::min(one.size(), one.find('='));
      query[decoded(one.substr(0, equal))] =
          equal < one.size() ? decoded(one.substr(equal + 1)) : std::string();
      list.remove_prefix(std::min(list.size(), end + 1));
    }
  };
  take(pairs);
  if (form) take(body);
  auto left = std::string_view(path);
  while (!left.empty()) {
    left.remove_prefix(1);
    const auto end = std::min(left.size(), left.find('/'));
    parts.push_back(decoded(left.substr(0, end)));
    left.remove_prefix(end);
  }
  json = nlohmann::json::parse(body, nullptr, false);
  if (json.is_discarded()) json = nullptr;
}

std::string ApiRequest::header(const std::string& name) const {
  const auto same = [&](const std::string& other) {
    return std::equal(name.begin(), name.end(), other.begin(), other.end(), [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) ==
             std::tolower(static_cast<unsigned char>(b));
    });
  };
  for (const auto& h : headers)
    if (same(h.name)) return h.value;
  return {};
}

std::string ApiRequest::parameter(const std::string& name, const std::string& otherwise) const {
  const auto it = query.find(name);
  return it == query.end() ? otherwise : it->second;
}

net::HttpResponse json_answer(unsigned code, const nlohmann::json& body) {
  net::HttpResponse r;
  r.code = code;
  r.body = body.dump();
  r.headers.push_back({"content-type", "application/json"});
  return r;
}

net::HttpResponse plain_answer(unsigned code, std::string body) {
  net::HttpResponse r;
  r.code = code;
  r.body = std::move(body);
  return r;
}

std::pair<std::size_t, std::size_t> page_bounds(std::size_t all, std::size_t size,
                                                std::size_t number) {
  const auto first = std::min(all, size * (number - 1));
  return {first, std::min(all, first + size)};
}

std::string relative_to(const std::string& name, const std::string& zone, const std::string& apex) {
  return name == zone ? apex : name.substr(0, name.size() - zone.size() - 1);
}
std::string in_zone(const std::string& relative, const std::string& zone) {
  return relative.empty() || relative == "@" ? zone : relative + "." + zone;
}
std::pair<unsigned, std::string> preference_of(const FakeRecord& record) {
  if (record.type != "MX" && record.type != "SRV") return {0, record.rdata};
  const auto blank = record.rdata.find(' ');
  return {static_cast<unsigned>(std::stoul(record.rdata)), record.rdata.substr(blank + 1)};
}
std::string undotted(const std::string& host) {
  return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

}  // namespace mxferry::test
