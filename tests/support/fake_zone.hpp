// SPDX-License-Identifier: Apache-2.0
// FakeZone: the zone behind a fake DNS API, with one way of writing per write model: single
// records, whole RRsets, the whole zone, staged until published, and asynchronous. After every
// request it looks at what the world would see, and counts the moments without MX, with two SPF
// strings, and with a CNAME beside other data. FakeDnsApi: the base of the fakes that speak a
// vendor's dialect over it. One thread.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/zone.hpp"
#include "net/http.hpp"

namespace mxferry::test {

struct FakeRecord {
  std::string id, name, type;  // name absolute, lower case
  std::uint32_t ttl = 3600;
  std::string rdata;  // presentation form, names absolute
  nlohmann::json extra = nlohmann::json::object();
};

class FakeZone {
 public:
  /// Two MX, SPF and another string, DKIM as TXT of two character-strings and as CNAME, DMARC, SRV,
  /// an address and a delegation.
  FakeZone();

  const std::string& name() const { return name_; }
  std::vector<FakeRecord>& records() { return records_; }
  const std::vector<FakeRecord>& records() const { return records_; }
  std::vector<FakeRecord> of(const std::string& name, const std::string& type) const;
  FakeRecord* find(const std::string& id);

  std::string add(FakeRecord record);
  bool remove(const std::string& id);
  void replace_set(const std::string& name, const std::string& type,
                   std::vector<FakeRecord> records);

  /// Staged: what is written is not served until publish().
  void stage() { staged_ = records_; }
  void publish() { staged_.reset(); }
  bool is_staged() const { return staged_.has_value(); }

  /// Asynchronous: the change is carried out at the `rounds`-th look at its id.
  std::string begin(std::function<void()> change, int rounds);
  /// One look: true once it is done; nothing where there is no such change.
  std::optional<bool> look(const std::string& id);

  /// Called after each request.
  void observe();
  int without_mx() const { return without_mx_; }
  int two_spf() const { return two_spf_; }
  int beside_cname() const { return beside_cname_; }

 private:
  const std::vector<FakeRecord>& served() const { return staged_ ? *staged_ : records_; }
  std::string name_ = "example.test.";
  std::vector<FakeRecord> records_;
  std::optional<std::vector<FakeRecord>> staged_;  // what is served meanwhile
  struct Pending {
    std::function<void()> change;
    int rounds;
  };
  std::map<std::string, Pending> pending_;
  int next_ = 1000;
  int without_mx_ = 0, two_spf_ = 0, beside_cname_ = 0;
};

/// A request taken apart.
struct ApiRequest {
  explicit ApiRequest(const net::HttpRequest& q);
  std::string method, host, path, body;  // host with its port
  std::map<std::string, std::string> query;
  std::vector<std::string> parts;  // of the path, decoded
  nlohmann::json json;             // of the body, or null
  std::string header(const std::string& name) const;
  std::string parameter(const std::string& name, const std::string& otherwise) const;
  std::vector<net::HttpHeader> headers;
};

class FakeDnsApi {
 public:
  virtual ~FakeDnsApi() = default;
  virtual net::HttpResponse answer(const ApiRequest& q) = 0;
  /// Does this request change the zone?
  virtual bool writes(const ApiRequest& q) const { return q.method != "GET"; }
  /// Does it ask for the state of a change?
  virtual bool polls(const ApiRequest&) const { return false; }
  /// What a person does at the vendor's site after a command has failed and said so.
  virtual void by_hand() {}
  FakeZone zone;
  std::size_t page_size = 4;  // small, so that every listing has pages
};

net::HttpResponse json_answer(unsigned code, const nlohmann::json& body);
net::HttpResponse plain_answer(unsigned code, std::string body = {});

/// [first, last) of page `number` (from 1).
std::pair<std::size_t, std::size_t> page_bounds(std::size_t all, std::size_t size,
                                                std::size_t number);
/// "mx" for mx.example.test., `apex` for the zone itself.
std::string relative_to(const std::string& name, const std::string& zone, const std::string& apex);
std::string in_zone(const std::string& relative, const std::string& zone);
/// "10 mx." -> {10, "mx."}; for types without a preference {0, all}.
std::pair<unsigned, std::string> preference_of(const FakeRecord& record);
std::string undotted(const std::string& host);

}  // namespace mxferry::test
