// SPDX-License-Identifier: Apache-2.0
// HttpDns, RecordDns and RRsetDns: what every DNS plugin over an HTTP API does the same way. A
// plugin says how its API spells zones and records and which request writes; these classes send,
// tell failures apart, follow pages, and let nothing be written over somebody else's change, beside
// a CNAME, below a zone cut or onto a record that the API owns. After each write request it is
// known whether it is done, refused or in doubt, and apply() says so. Needs nlohmann/json. One
// operation at a time per object.
#pragma once

#include <charconv>
#include <mxferry/change_rules.hpp>

namespace mxferry::sdk {

class HttpDns : public DnsPlugin {
 public:
  /// `min_ttl`: the smallest TTL that the API stores, in seconds.
  HttpDns(Host host, std::uint32_t min_ttl) : DnsPlugin(host), min_ttl_(min_ttl) {}

  Result<void> start() override {
    base_ = host().config_or("url", "");
    while (base_.ends_with('/')) base_.pop_back();
    return {};
  }

  Result<Zone> describe_zone(const std::string& name) override {
    MXF_TRY(zones, list_zones());
    return pick_zone(zones, name);
  }

  Result<ApplyOutcome> apply(const std::string& zone, const std::vector<Change>& changes) override {
    written_ = 0;
    in_doubt_ = false;
    change_ids_.clear();
    ApplyOutcome outcome;
    if (auto done = checked_write(zone, changes); !done) {
      outcome.why = done.error();
      outcome.applied =
          in_doubt_ ? Applied::unknown : (written_ > 0 ? Applied::partial : Applied::none);
    }
    outcome.change_ids = change_ids_;
    return outcome;
  }

 protected:
  /// Headers that authenticate this request; its URL and body are final.
  virtual Result<std::vector<Header>> credentials(const HttpRequest& request) = 0;
  /// Why this API cannot store the record as it is wanted; called before any request.
  virtual Result<void> storable(const RRset&, const Record&) { return {}; }
  /// Writes the changes; what is there has been compared with them. `current`: the whole zone.
  virtual Result<void> write(const std::string& zone, const std::vector<Change>& changes,
                             const std::vector<RRset>& current) = 0;
  /// An API that answers 200 with an error in its body says here what it is.
  virtual std::optional<Failure> refusal(const Json&) const { return {}; }
  /// True where a CNAME and other data of one name change places in one step.
  virtual bool swaps_atomically() const { return false; }
  /// Equal to a resolver and to the API's own features.
  virtual bool same(const RRset& a, const RRset& b) const { return same_rrset(a, b); }
  /// What an answer that is no success means; `what` was asked for. Plugins name special cases.
  virtual Failure explain(const HttpResponse& response, const std::string& what) const {
    return failure_of(response, what);
  }

  static Failure failure_of(const HttpResponse& response, const std::string& what) {
    auto words = words_of(response.body);
    Failure why;
    why.native_code = std::to_string(response.code) + (words.code.empty() ? "" : " " + words.code);
    why.remote = std::move(words.text);
    std::int64_t seconds = 0;
    const auto after = response.header("retry-after");
    const auto end = after.data() + after.size();
    if (std::from_chars(after.data(), end, seconds).ptr == end && !after.empty() && seconds >= 0 &&
        seconds <= 7 * 86400)
      why.retry_after = std::chrono::seconds(seconds);
    switch (response.code) {
      case 401:
        why.status = MXF_AUTH;
        why.text = "the credentials are not accepted for " + what;
        break;
      case 403:
        why.status = MXF_DENIED;
        why.text = "the credentials are not permitted " + what;
        break;
      case 404:
      case 410:
        why.status = MXF_NOT_FOUND;
        why.text = what + " does not exist";
        break;
      case 409:
      case 412:
      case 423:
        why.status = MXF_CONFLICT;
        why.text = "somebody else changes it: " + what;
        break;
      case 402:
      case 507:
        why.status = MXF_QUOTA;
        why.text = "the account's limit is reached: " + what;
        break;
      case 429:
        why.status = MXF_RATE_LIMITED;
        why.text = "too many requests";
        break;
      default:
        why.status = response.code >= 400 && response.code < 500 && response.code != 408
                         ? MXF_INVALID
                         : MXF_REMOTE;
        why.text = (why.status == MXF_INVALID ? "the API refuses " : "the API failed on ") + what;
    }
    return why;
  }

  /// A request that changes nothing. Failure unless the answer is a success.
  Result<HttpResponse> ask(const std::string& what, const std::string& path,
                           const std::string& method = "GET", std::string body = {},
                           std::vector<Header> headers = {}) {
    MXF_TRY(response, send(method, path, std::move(body), std::move(headers), true));
    if (response.code < 200 || response.code > 299) return fail(explain(response, what));
    return response;
  }
  Result<Json> ask_json(const std::string& what, const std::string& path) {
    MXF_TRY(response, ask(what, path));
    MXF_TRY(json, parsed(response.body, what));
    if (auto why = refusal(json)) return fail(*std::move(why));
    return json;
  }

  /// One writing request, sent once. Done only with a success in status and body: until then the
  /// write is in doubt, unless the answer says that it was refused.
  Result<HttpResponse> change(const std::string& what, const std::string& method,
                              const std::string& path, std::string body,
                              std::vector<Header> headers = {}) {
    in_doubt_ = true;
    MXF_TRY(response, send(method, path, std::move(body), std::move(headers), false));
    if (response.code < 200 || response.code > 299) {
      in_doubt_ = response.code < 400 || response.code > 499 || response.code == 408;
      return fail(explain(response, what));
    }
    return response;
  }
  void done_one() {
    in_doubt_ = false;
    ++written_;
  }
  /// The answer says, in whatever way, that nothing was written.
  void not_done() { in_doubt_ = false; }
  /// The same with JSON both ways; a success has the member `proof` (empty: any body will do).
  Result<Json> change_json(const std::string& what, const std::string& method,
                           const std::string& path, const Json& body, const char* proof,
                           std::vector<Header> headers = {}) {
    headers.push_back({"Content-Type", "application/json"});
    MXF_TRY(response, change(what, method, path, body.is_null() ? std::string() : body.dump(),
                             std::move(headers)));
    if (*proof == '\0') {
      done_one();
      return Json();
    }
    MXF_TRY(json, parsed(response.body, what));
    if (auto why = refusal(json)) {
      if (why->status != MXF_REMOTE) not_done();  // else it is not understood, and may be written
      return fail(*std::move(why));
    }
    if (member(json, proof) == nullptr)
      return nonsense("no " + std::string(proof) + " in the answer to " + what);
    done_one();
    return json;
  }
  /// An id of the API for this change, to be asked for later.
  void announce(std::string change_id) { change_ids_.push_back(std::move(change_id)); }

  /// Follows a listing: `page` reads one and gives the path of the next, or empty at the end. A
  /// listing that runs in circles is an error.
  Result<void> each_page(std::string path,
                         const std::function<Result<std::string>(const std::string&)>& page) {
    std::set<std::string> seen;
    while (!path.empty()) {
      if (!seen.insert(path).second || seen.size() > 10'000)
        return nonsense("its pages run in circles");
      MXF_TRY(next, page(path));
      path = std::move(next);
    }
    return {};
  }

  /// How many items a listing says that it has, and the path of its next page; empty: the last one.
  struct Page {
    std::size_t total = 0;
    std::string next{};
  };
  /// Every item of a listing whose pages hold them under `key` and tell how many there are in all,
  /// so that a page which got lost is noticed. `turn` reads that of a page; `so_far`: how many
  /// items came, with this page's.
  Result<void> each_item(const std::string& path, const char* key, const std::string& what,
                         const std::function<Result<void>(const Json&)>& item,
                         const std::function<Result<Page>(const Json&, std::size_t)>& turn) {
    std::size_t count = 0;
    std::size_t total = 0;
    const auto page = [&](const std::string& here) -> Result<std::string> {
      MXF_TRY(json, ask_json(what, here));
      MXF_TRY(list, array_at(json, key));
      count += list.size();
      MXF_TRY(turned, turn(json, count));
      for (const auto& one : list) MXF_CHECK(item(one));
      total = turned.total;
      return list.empty() ? std::string() : turned.next;
    };
    MXF_CHECK(each_page(path, page));
    if (count != total)
      return nonsense("it announced " + std::to_string(total) + " and sent " +
                      std::to_string(count));
    return {};
  }

  static std::string percent(std::string_view bytes, std::string_view also_plain = "") {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : bytes) {
      const auto u = static_cast<unsigned char>(c);
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~' ||
                         also_plain.find(c) != std::string_view::npos;
      if (plain) {
        out.push_back(c);
      } else {
        out += {'%', kHex[u >> 4U], kHex[u & 15U]};
      }
    }
    return out;
  }

  std::string base_;  // the setting `url`, without a final slash

 private:
  Result<HttpResponse> send(const std::string& method, const std::string& path, std::string body,
                            std::vector<Header> headers, bool idempotent) {
    HttpRequest q;
    q.method = method;
    q.url = path.starts_with("http") ? path : base_ + path;
    q.headers = std::move(headers);
    q.headers.push_back({"Accept", "application/json"});
    q.body = std::move(body);
    q.idempotent = idempotent;
    MXF_TRY(auth, credentials(q));
    for (auto& header : auth) q.headers.push_back(std::move(header));
    return host().http(q);
  }

  Result<void> checked_write(const std::string& zone, const std::vector<Change>& changes) {
    for (const auto& change : changes) MXF_CHECK(can_store(change));
    MXF_TRY(current, list_records(zone));
    const ChangeRules rules{swaps_atomically(),
                            [this](const RRset& a, const RRset& b) { return same(a, b); }};
    for (const auto& change : changes) MXF_CHECK(may_change(zone, change, changes, current, rules));
    return write(zone, changes, current);
  }

  // Bodies and URLs pass through the host, which fills secrets in: a value must not ask for one.
  static Result<void> harmless(std::string_view text) {
    if (text.find("${secret:") != std::string_view::npos)
      return fail(MXF_INVALID, "it holds ${secret:, which stands for a secret");
    return {};
  }

  static Result<void> odd_bytes() {
    return fail(MXF_INVALID, "it holds bytes that are not printable ASCII");
  }

  Result<void> can_store(const Change& change) {
    if (!change.after) return {};
    const auto& set = *change.after;
    if (set.ttl < min_ttl_ && !(change.before && change.before->ttl == set.ttl))
      return fail(MXF_INVALID, "TTL " + std::to_string(set.ttl) + " of " + set.name + " " +
                                   set.type + " is below " + std::to_string(min_ttl_) +
                                   " s, the smallest that this API stores");
    for (const auto& record : set.records) {
      auto can = is_printable(record.rdata) ? harmless(set.name + record.rdata + record.extra)
                                            : odd_bytes();
      if (can) can = storable(set, record);
      if (can) continue;
      auto why = can.error();
      why.text = set.name + " " + set.type + ": " + why.text;
      return fail(std::move(why));
    }
    return {};
  }

  std::uint32_t min_ttl_;
  std::size_t written_ = 0;
  bool in_doubt_ = false;
  std::vector<std::string> change_ids_;
};

/// An API that replaces one RRset per request.
class RRsetDns : public HttpDns {
 public:
  using HttpDns::HttpDns;

 protected:
  /// `had`: the RRset as it stands, null where there is none.
  virtual Result<void> put(const std::string& zone, const RRset& now, const RRset* had) = 0;
  virtual Result<void> erase(const std::string& zone, const RRset& had) = 0;

  /// What is new or changed first, deletions last.
  Result<void> write(const std::string& zone, const std::vector<Change>& changes,
                     const std::vector<RRset>& current) override {
    for (const auto& change : changes)
      if (change.after)
        MXF_CHECK(
            put(zone, *change.after, find_set(current, change.any().name, change.any().type)));
    for (const auto& change : changes)
      if (!change.after)
        MXF_CHECK(erase(zone, *find_set(current, change.any().name, change.any().type)));
    return {};
  }
};

/// An API of single records, each with an id.
class RecordDns : public HttpDns {
 public:
  using HttpDns::HttpDns;
  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    MXF_TRY(records, read(zone));
    stored_ = std::move(records);
    return grouped(stored_);
  }

 protected:
  /// Every record of the zone.
  virtual Result<std::vector<StoredRecord>> read(const std::string& zone) = 0;
  virtual Result<void> create(const std::string& zone, const StoredRecord& now) = 0;
  virtual Result<void> update(const std::string& zone, const StoredRecord& now) = 0;
  virtual Result<void> remove(const std::string& zone, const StoredRecord& old) = 0;
  /// Carries the steps out in their order; an API with a batch does it in one request.
  virtual Result<void> perform(const std::string& zone, const std::vector<RecordStep>& steps) {
    for (const auto& step : steps) {
      switch (step.kind) {
        case RecordStep::Kind::create:
          MXF_CHECK(create(zone, step.now));
          break;
        case RecordStep::Kind::update:
          MXF_CHECK(update(zone, step.now));
          break;
        case RecordStep::Kind::remove:
          MXF_CHECK(remove(zone, step.old));
          break;
      }
    }
    return {};
  }

  Result<void> write(const std::string& zone, const std::vector<Change>& changes,
                     const std::vector<RRset>&) override {
    std::vector<RecordStep> steps;
    for (const auto& change : changes) {
      std::vector<StoredRecord> have;
      for (const auto& record : stored_)
        if (record.name == change.any().name && record.type == change.any().type)
          have.push_back(record);
      for (auto& step : steps_between(have, change.after)) steps.push_back(std::move(step));
    }
    return perform(zone, steps);
  }

 private:
  std::vector<StoredRecord> stored_;  // as read last
};

}  // namespace mxferry::sdk
