// SPDX-License-Identifier: Apache-2.0
#include "plugin/dns_adapter.hpp"

#include <algorithm>
#include <deque>
#include <set>

namespace mxferry::plugin {
namespace {

bool is_absolute_name(const std::string& name) {
  return !name.empty() && name.size() <= 1024 && name.back() == '.' &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}
bool in_zone(const std::string& name, const std::string& zone) {
  if (name == zone || zone == ".") return true;
  return name.size() > zone.size() && name.ends_with(zone) &&
         name[name.size() - zone.size() - 1] == '.';
}
bool is_type(const std::string& type) {
  return !type.empty() && type.size() <= 16 && std::all_of(type.begin(), type.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// Collects what a sink is called with. A sink is called from the plugin's code: nothing may throw.
template <class Item>
struct Sink {
  std::vector<Item> items;
  std::string problem;

  template <class Body>
  static void guarded(void* ctx, Body body) noexcept {
    auto& sink = *static_cast<Sink*>(ctx);
    try {
      body(sink);
    } catch (...) {
      sink.problem = "out of memory";
    }
  }
};

void zone_sink(void* ctx, const mxf_zone* z) {
  Sink<ZoneInfo>::guarded(ctx, [&](Sink<ZoneInfo>& sink) {
    if (z == nullptr || !MXF_HAS(z, mxf_zone, name_server_count)) {
      sink.problem = "it sent a zone structure that is too small";
      return;
    }
    ZoneInfo info{to_text(z->name), to_text(z->id), to_text(z->etag), z->min_ttl, {}};
    for (std::size_t i = 0; i < z->name_server_count; ++i)
      info.name_servers.push_back(to_text(z->name_servers[i]));
    if (!is_absolute_name(info.name))
      sink.problem = "it sent a zone whose name is not absolute and lower case";
    sink.items.push_back(std::move(info));
  });
}

void rrset_sink(void* ctx, const mxf_rrset* s) {
  Sink<ZoneRRset>::guarded(ctx, [&](Sink<ZoneRRset>& sink) {
    if (s == nullptr || !MXF_HAS(s, mxf_rrset, record_count)) {
      sink.problem = "it sent an RRset structure that is too small";
      return;
    }
    ZoneRRset set{to_text(s->name), to_text(s->type), s->ttl, to_text(s->etag), {}};
    for (std::size_t i = 0; i < s->record_count; ++i)
      set.records.push_back(
          {to_text(s->records[i].rdata), to_text(s->records[i].id), to_text(s->records[i].extra)});
    sink.items.push_back(std::move(set));
  });
}

void id_sink(void* ctx, mxf_str id) {
  Sink<std::string>::guarded(ctx,
                             [&](Sink<std::string>& sink) { sink.items.push_back(to_text(id)); });
}

/// C structures over a change; they point into the ZoneChange, which outlives them.
class ChangeView {
 public:
  explicit ChangeView(const ZoneChange& change) {
    if (change.before) c_.before = view(*change.before, before_, before_records_);
    if (change.after) c_.after = view(*change.after, after_, after_records_);
  }
  ChangeView(const ChangeView&) = delete;
  ChangeView& operator=(const ChangeView&) = delete;
  mxf_change get() const { return c_; }

 private:
  static const mxf_rrset* view(const ZoneRRset& set, mxf_rrset& out,
                               std::vector<mxf_record>& records) {
    for (const auto& r : set.records)
      records.push_back({to_str(r.rdata), to_str(r.id), to_str(r.extra)});
    out.size = sizeof out;
    out.ttl = set.ttl;
    out.name = to_str(set.name);
    out.type = to_str(set.type);
    out.etag = to_str(set.etag);
    out.records = records.data();
    out.record_count = records.size();
    return &out;
  }
  mxf_change c_{};
  mxf_rrset before_{}, after_{};
  std::vector<mxf_record> before_records_, after_records_;
};

class DnsAdapter final : public DnsApi {
 public:
  DnsAdapter(const mxf_dns* table, std::unique_ptr<HostSession> host, void* session)
      : table_(table), host_(std::move(host)), session_(session) {}
  ~DnsAdapter() override {
    host_->begin("close", {});
    try {
      if (table_->close != nullptr) table_->close(session_);
    } catch (...) {  // a plugin's fault; there is nobody left to tell
    }
  }
  DnsAdapter(const DnsAdapter&) = delete;
  DnsAdapter& operator=(const DnsAdapter&) = delete;

  const DnsTraits& traits() const override { return host_->manifest().traits; }

  Result<std::vector<ZoneInfo>> list_zones(std::stop_token stop) override {
    host_->begin("list zones", std::move(stop));
    if (!MXF_HAS(table_, mxf_dns, list_zones) || table_->list_zones == nullptr)
      return unsupported();
    Sink<ZoneInfo> sink;
    MXF_CHECK(call([&] { return table_->list_zones(session_, zone_sink, &sink); }));
    if (!sink.problem.empty()) return fail(host_->bug(sink.problem));
    return std::move(sink.items);
  }

  Result<ZoneInfo> describe_zone(const std::string& zone, std::stop_token stop) override {
    host_->begin("describe zone " + zone, std::move(stop));
    if (!MXF_HAS(table_, mxf_dns, describe_zone) || table_->describe_zone == nullptr)
      return unsupported();
    Sink<ZoneInfo> sink;
    MXF_CHECK(
        call([&] { return table_->describe_zone(session_, to_str(zone), zone_sink, &sink); }));
    if (!sink.problem.empty()) return fail(host_->bug(sink.problem));
    if (sink.items.size() != 1 || sink.items[0].name != zone)
      return fail(host_->bug("it did not describe exactly the zone that was asked for"));
    return std::move(sink.items[0]);
  }

  Result<ZoneSnapshot> list_records(const std::string& zone, std::stop_token stop) override {
    host_->begin("list records of " + zone, std::move(stop));
    if (!MXF_HAS(table_, mxf_dns, list_records) || table_->list_records == nullptr)
      return unsupported();
    Sink<ZoneRRset> sink;
    constexpr std::uint64_t kUnset = ~std::uint64_t{0};
    std::uint64_t count = kUnset;
    MXF_CHECK(call(
        [&] { return table_->list_records(session_, to_str(zone), rrset_sink, &sink, &count); }));
    if (!sink.problem.empty()) return fail(host_->bug(sink.problem));
    if (count != sink.items.size())
      return fail(host_->bug("it sent " + std::to_string(sink.items.size()) +
                             " RRsets and announced " +
                             (count == kUnset ? std::string("no number") : std::to_string(count)) +
                             ": the list is not complete"));
    std::set<std::pair<std::string, std::string>> seen;
    for (const auto& set : sink.items) {
      if (!is_absolute_name(set.name) || !is_type(set.type))
        return fail(host_->bug(
            "it sent an RRset whose name is not absolute and lower case, or whose type is none"));
      if (!in_zone(set.name, zone))
        return fail(host_->bug("it sent " + set.name + ", which is not in the zone"));
      if (set.records.empty())
        return fail(host_->bug("it sent an RRset without records: " + set.name));
      if (!seen.emplace(set.name, set.type).second)
        return fail(host_->bug("it sent " + set.name + " " + set.type + " twice"));
    }
    return ZoneSnapshot{zone, std::move(sink.items)};
  }

  Result<ApplyOutcome> apply(const std::string& zone, std::span<const ZoneChange> changes,
                             std::stop_token stop) override {
    host_->begin("change " + zone, std::move(stop));
    if (!MXF_HAS(table_, mxf_dns, apply) || table_->apply == nullptr) return unsupported();
    std::deque<ChangeView> views;
    std::vector<mxf_change> list;
    for (const auto& change : changes) {
      if (!change.before && !change.after)
        return fail(ErrorCode::internal, "dns apply", "a change without any side");
      for (const auto* side :
           {change.before ? &*change.before : nullptr, change.after ? &*change.after : nullptr})
        if (side != nullptr &&
            (!is_absolute_name(side->name) || !in_zone(side->name, zone) || side->records.empty()))
          return fail(ErrorCode::internal, "dns apply",
                      "a change outside " + zone + " or without records");
      views.emplace_back(change);
      list.push_back(views.back().get());
    }
    Sink<std::string> ids;
    std::int32_t applied = MXF_APPLIED_UNKNOWN;
    auto called = call([&] {
      return table_->apply(session_, to_str(zone), list.data(), list.size(), &applied, id_sink,
                           &ids);
    });
    if (!called) {
      auto error = std::move(called).error();
      if (applied == MXF_APPLIED_NONE)
        error.text += "; nothing was changed";
      else if (applied == MXF_APPLIED_PARTIAL)
        error.text += "; a part was changed";
      else
        error.text += "; whether it was changed is unknown: read again";
      return fail(std::move(error));
    }
    if (!ids.problem.empty()) return fail(host_->bug(ids.problem));
    if (applied < MXF_APPLIED_NONE || applied > MXF_APPLIED_UNKNOWN)
      return fail(host_->bug("it answered a value of `applied` that does not exist"));
    return ApplyOutcome{static_cast<Applied>(applied), std::move(ids.items)};
  }

  Result<bool> change_live(const std::string& zone, const std::string& change_id,
                           std::stop_token stop) override {
    host_->begin("state of change " + change_id, std::move(stop));
    if (!MXF_HAS(table_, mxf_dns, change_state) || table_->change_state == nullptr) return true;
    std::int32_t done = -1;
    MXF_CHECK(call(
        [&] { return table_->change_state(session_, to_str(zone), to_str(change_id), &done); }));
    if (done != 0 && done != 1)
      return fail(host_->bug("it did not say whether the change is live"));
    return done == 1;
  }

 private:
  template <class Body>
  Result<void> call(Body body) {
    try {
      const mxf_status status = body();
      if (status == MXF_OK) return {};
      return fail(host_->error_for(status));
    } catch (...) {
      return fail(host_->bug("an exception came out of it"));
    }
  }
  Unexpected<Error> unsupported() { return fail(host_->error_for(MXF_UNSUPPORTED)); }

  const mxf_dns* table_;
  std::unique_ptr<HostSession> host_;
  void* session_;
};

}  // namespace

Result<std::unique_ptr<DnsApi>> make_dns_adapter(const mxf_dns* table,
                                                 std::unique_ptr<HostSession> host) {
  static_assert(MXF_APPLIED_NONE == static_cast<int>(Applied::none) &&
                MXF_APPLIED_UNKNOWN == static_cast<int>(Applied::unknown));
  host->begin("open", {});
  void* session = nullptr;
  try {
    if (!MXF_HAS(table, mxf_dns, close) || table->open == nullptr)
      return fail(host->bug("it has no open()"));
    if (const auto status = table->open(host->abi(), &session); status != MXF_OK) {
      auto error = host->error_for(status);
      if (error.code == ErrorCode::refused) error.code = ErrorCode::config;
      return fail(std::move(error));
    }
  } catch (...) {
    return fail(host->bug("an exception came out of it"));
  }
  std::unique_ptr<DnsApi> adapter = std::make_unique<DnsAdapter>(table, std::move(host), session);
  return adapter;
}

}  // namespace mxferry::plugin
