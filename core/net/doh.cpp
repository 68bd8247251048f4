// SPDX-License-Identifier: Apache-2.0
#include "net/doh.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "net/http.hpp"

namespace mxferry::net {
namespace {

constexpr const char* kMediaType = "application/dns-message";  // RFC 8484 §6
constexpr std::uint64_t kLargestMessage = 65'535;

// RFC 9111 §5.1; what cannot be read counts as no age at all only where it is absent.
Result<std::uint32_t> age_of(const HttpResponse& response, const std::string& operation) {
  const auto text = response.header("age");
  if (text.empty()) return 0U;
  std::uint32_t age = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), age);
  if (ec != std::errc() || end != text.data() + text.size())
    return fail(ErrorCode::protocol, operation, "an Age that is no number");
  return age;
}

}  // namespace

Result<std::vector<DohServer>> parse_doh_servers(const std::vector<std::string>& urls,
                                                 const std::string& ca_file) {
  std::vector<DohServer> out;
  std::set<std::string> hosts;
  for (const auto& url : urls) {
    const std::string what = "DNS over HTTPS \"" + url + "\"";
    const auto target = parse_http_url(url);
    if (!target) return fail(ErrorCode::config, what, target.error().text);
    if (target->scheme != "https" && !target->loopback())
      return fail(ErrorCode::config, what, "expected https://HOST/PATH");
    if (!hosts.insert(target->host + ":" + std::to_string(target->port)).second)
      return fail(ErrorCode::config, what, "its host is named twice: each must be another's word");
    out.push_back({url, ca_file});
  }
  if (out.size() < kLeastDoh)
    return fail(ErrorCode::config, "DNS over HTTPS",
                "expected " + std::to_string(kLeastDoh) + " resolvers or more, found " +
                    std::to_string(out.size()));
  return out;
}

Result<DohAnswer> doh_exchange(const DohServer& server, const std::string& query,
                               std::chrono::milliseconds patience, std::stop_token stop) {
  HttpTrust trust;
  trust.ca_file = server.ca_file;
  HttpLimits limits;
  limits.connect = limits.idle = limits.total = patience;
  limits.response_bytes = kLargestMessage;
  limits.attempts = 1;
  HttpRequest request;
  request.method = "POST";
  request.url = server.url;
  request.headers = {{"Content-Type", kMediaType}, {"Accept", kMediaType}};
  request.body = query;
  MXF_TRY(response, HttpClient(trust, limits).send(request, std::move(stop)));
  const std::string operation = "ask " + server.url;
  // RFC 8484 §4.2.1: any other status says nothing about the name.
  if (response.code != 200)
    return fail(ErrorCode::refused, operation, "HTTP " + std::to_string(response.code));
  if (response.header("content-type") != kMediaType)
    return fail(ErrorCode::protocol, operation, "the answer is no " + std::string(kMediaType));
  MXF_TRY(age, age_of(response, operation));
  return DohAnswer{std::move(response.body), age};
}

}  // namespace mxferry::net
