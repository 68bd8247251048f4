// SPDX-License-Identifier: Apache-2.0
// change_by_template: the records of a template against those of a zone.
#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "base/escape.hpp"
#include "plan/connect_template.hpp"
#include "plan/edits.hpp"
#include "plan/zone_lookups.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf.hpp"
#include "protocol/dns/spf_check.hpp"
#include "protocol/dns/spf_merge.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::plan {
namespace {

constexpr std::uint32_t kTtl = 3600;  // where a template names none

using Key = std::pair<std::string, std::string>;  // name, type

std::string without_dot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return name;
}

class Changer {
 public:
  Changer(const ConnectTemplate& from, const ConnectRequest& request, const ZoneSnapshot& zone,
          dns::Lookups& lookups)
      : from_(from), request_(request), zone_(zone), lookups_(lookups) {}

  Result<ConnectChange> run() {
    MXF_CHECK(name_the_place());
    for (const auto& record : from_.records) {
      const auto& only = request_.groups;
      if (only.empty() || std::find(only.begin(), only.end(), record.group) != only.end())
        MXF_CHECK(add(record));
    }
    for (const auto& [key, set] : fresh_) give_way(key, set);
    for (const auto& [name, rules] : spf_) MXF_CHECK(merge_spf(name, rules));
    MXF_CHECK(check_names());
    collect();
    return std::move(out_);
  }

 private:
  static Error wrong(ErrorCode code, std::string why) {
    return fail(code, "template", std::move(why)).error();
  }

  Result<void> name_the_place() {
    if (from_.host_required && request_.host.empty())
      return fail(wrong(ErrorCode::usage, "this template needs a host below the domain")
                      .with_remedy("name it with --host"));
    std::string missing;
    for (const auto& name : connect_variables(from_, request_.groups))
      if (!request_.variables.contains(name)) missing += (missing.empty() ? "" : ", ") + name;
    if (!missing.empty())
      return fail(wrong(ErrorCode::usage, "no value for " + escape_line(missing))
                      .with_remedy("give each with --set NAME=VALUE"));
    fqdn_ = request_.domain;
    if (!request_.host.empty()) {
      MXF_TRY(fqdn, dns::canonical_name(request_.host + "." + request_.domain));
      fqdn_ = fqdn;
    }
    return {};
  }

  std::string filled(const std::string& text) const {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const auto first = text.find('%', at);
      const auto last = first == std::string::npos ? first : text.find('%', first + 1);
      out += text.substr(at, last == std::string::npos ? last : first - at);
      if (last == std::string::npos) break;
      const auto name = text.substr(first + 1, last - first - 1);
      const auto given = request_.variables.find(name);
      if (name == "domain")
        out += without_dot(request_.domain);
      else if (name == "host")
        out += request_.host;
      else if (name == "fqdn")
        out += without_dot(fqdn_);
      else
        out += given->second;
      at = last + 1;
    }
    return out;
  }

  // A host is counted from the place of the template, unless it says where it is from the root.
  Result<std::string> name_of(const std::string& host) const {
    const auto text = filled(host);
    if (text.empty() || text == "@") return fqdn_;
    if (text.ends_with('.')) return dns::canonical_name(text);
    if (text == without_dot(fqdn_) || text.ends_with("." + without_dot(fqdn_)))
      return dns::canonical_name(text + ".");
    return dns::canonical_name(text + "." + fqdn_);
  }

  Result<std::string> target_of(const std::string& data) const {
    const auto text = filled(data);
    if (text == "@") return fqdn_;
    return dns::canonical_name(text.ends_with('.') ? text : text + ".");
  }

  Result<std::uint32_t> number(const std::string& text, const char* what,
                               std::uint32_t most) const {
    const auto digits = filled(text);
    std::uint32_t out = 0;
    const auto* end = digits.data() + digits.size();
    const auto [at, ec] = std::from_chars(digits.data(), end, out);
    if (ec != std::errc() || at != end || out > most)
      return fail(wrong(ErrorCode::config, std::string(what) + ": \"" + escape_line(digits) +
                                               "\" is not a number up to " + std::to_string(most)));
    return out;
  }

  Result<void> add(const ConnectRecord& record) {
    std::string host = record.host;
    if (record.type == "SRV") {
      const auto label = [](std::string text) { return text.starts_with('_') ? text : "_" + text; };
      host = label(record.service) + "." + label(record.protocol) +
             (host.empty() || host == "@" ? "" : "." + host);
    }
    MXF_TRY(name, name_of(host));
    std::uint32_t ttl = kTtl;
    if (!record.ttl.empty()) {
      MXF_TRY(given, number(record.ttl, "ttl", INT32_MAX));
      ttl = given;
    }
    const bool is_text = record.type == "TXT" || record.type == "SPFM";
    if (record.type == "SPFM" || (record.type == "TXT" && dns::is_spf(filled(record.data)))) {
      auto& rules = spf_[name];
      rules.text += rules_of(filled(record.data));
      rules.ttl = ttl;
      return {};
    }
    std::string data;
    if (is_text) {
      data = dns::txt_rdata(filled(record.data));
    } else if (record.type == "A" || record.type == "AAAA") {
      data = filled(record.data);
    } else {
      MXF_TRY(target, target_of(record.data));
      data = target;
    }
    if (record.type == "MX" || record.type == "SRV") {
      MXF_TRY(priority, number(record.priority.empty() ? "0" : record.priority, "priority", 65535));
      std::string front = std::to_string(priority) + " ";
      if (record.type == "SRV") {
        MXF_TRY(weight, number(record.weight.empty() ? "0" : record.weight, "weight", 65535));
        MXF_TRY(port, number(record.port, "port", 65535));
        front += std::to_string(weight) + " " + std::to_string(port) + " ";
      }
      data = front + data;
    }
    MXF_TRY(rdata, dns::canonical_rdata(record.type, data));
    auto& set = fresh_[{name, record.type}];
    set.ttl = set.records.empty() ? ttl : std::min(set.ttl, ttl);
    if (std::none_of(set.records.begin(), set.records.end(),
                     [&](const ZoneRecord& have) { return have.rdata == rdata; }))
      set.records.push_back({rdata});
    if (record.type == "TXT") modes_[name].push_back({record.conflicts, filled(record.prefix)});
    return {};
  }

  // "v=spf1 include:a ~all" -> "include:a": how the rest is judged stays the domain's matter.
  static std::string rules_of(const std::string& text) {
    const auto record = dns::parse_spf(dns::is_spf(text) ? text : "v=spf1 " + text);
    if (!record) return " " + text;  // whoever reads the whole says what is wrong with it
    dns::SpfRecord rules = *record;
    rules.all.reset();
    return dns::format_spf(rules).substr(std::string("v=spf1").size());  // with its blank
  }

  // --- what gives way

  void give_way(const Key& key, const ZoneRRset& set) {
    const auto& [name, type] = key;
    for (const auto& have : zone_.rrsets) {
      if (have.name != name || have.type == "SOA" || have.type == "NS") continue;
      const bool address =
          (type == "A" || type == "AAAA") && (have.type == "A" || have.type == "AAAA");
      const bool whole = have.type == "CNAME" || type == "CNAME" || address ||
                         (have.type == type && type != "TXT");
      if (type == "TXT" && have.type == "TXT")
        for (const auto& record : have.records) judge_text(name, record.rdata, set);
      else if (whole && !stands(have, type == have.type ? &set : nullptr))
        drop(have, type);
    }
  }

  static bool stands(const ZoneRRset& have, const ZoneRRset* wanted) {
    return wanted != nullptr && dns::same_set(have.type, rdata_of(&have), rdata_of(wanted));
  }

  void drop(const ZoneRRset& have, const std::string& type) {
    if (!gone_.insert({have.name, have.type}).second) return;
    for (const auto& record : have.records) {
      out_.conflicts.push_back(have.name + " " + have.type + " " + escape_line(record.rdata) +
                               " gives way to " + type + " of the template");
      if (have.type == "TXT") drop_text(record.rdata);
    }
  }

  void drop_text(const std::string& rdata) {
    if (const auto text = dns::txt_text(rdata)) out_.dropped.push_back(*text);
  }

  // A string of a TXT set: it stays, unless the template names it or there would be two policies.
  void judge_text(const std::string& name, const std::string& rdata, const ZoneRRset& set) {
    const auto text = dns::txt_text(rdata);
    if (!text || dns::is_spf(*text)) return;
    const auto begins = [&](const ZoneRecord& record, const char* version) {
      const auto ours = dns::txt_text(record.rdata);
      return ours && ours->starts_with(version);
    };
    bool leaves = false;
    for (const auto& [mode, prefix] : modes_[name])
      leaves = leaves || mode == "All" ||
               (mode == "Prefix" && !prefix.empty() && text->starts_with(prefix));
    for (const char* version : {"v=DMARC1", "v=STSv1", "v=TLSRPTv1", "v=DKIM1"})
      leaves = leaves || (text->starts_with(version) &&
                          std::any_of(set.records.begin(), set.records.end(),
                                      [&](const auto& record) { return begins(record, version); }));
    if (!leaves || dns::same_set("TXT", {rdata}, intersection(set, rdata))) return;
    if (!texts_gone_[name].insert(rdata).second) return;
    out_.conflicts.push_back(name + " TXT " + escape_line(rdata) +
                             " gives way to TXT of the template");
    out_.dropped.push_back(*text);
  }

  static std::vector<std::string> intersection(const ZoneRRset& set, const std::string& rdata) {
    for (const auto& record : set.records)
      if (dns::same_set("TXT", {rdata}, {record.rdata})) return {rdata};
    return {};
  }

  // --- SPF

  struct Rules {
    std::string text;
    std::uint32_t ttl = kTtl;
  };

  Result<void> merge_spf(const std::string& name, const Rules& rules) {
    dns::SpfMergeRequest request;
    request.domain = name;
    for (const auto& rdata : rdata_of(zone_.find(name, "TXT"))) {
      const auto text = dns::txt_text(rdata);
      if (!text || !dns::is_spf(*text)) continue;
      if (!request.old_record.empty())
        return fail(wrong(ErrorCode::gate, "SPF-01: two SPF records stand at " + name)
                        .with_remedy("remove one of them first"));
      request.old_record = *text;
    }
    request.new_record = "v=spf1" + rules.text + " ~all";
    const auto mx = fresh_.find({name, "MX"});
    const auto hosts =
        mx != fresh_.end() ? rdata_of(&mx->second) : rdata_of(zone_.find(name, "MX"));
    for (const auto& rdata : hosts)
      if (const auto host = dns::parse_mx(rdata); host && host->exchange != ".")
        request.new_hosts.push_back(host->exchange);
    std::string record = request.new_record;
    if (!request.old_record.empty()) {
      ZoneLookups seen(zone_, lookups_);
      MXF_TRY(merged, dns::merge_spf(request, seen));
      if (!merged.proven)
        return fail(wrong(ErrorCode::gate, "SPF-09: no record at " + name +
                                               " lets pass just what passes by the old one and by "
                                               "the template's rules"));
      if (merged.lookups > dns::kSpfLookups)
        return fail(wrong(ErrorCode::gate, "SPF-02: the merged SPF record of " + name + " needs " +
                                               std::to_string(merged.lookups) + " lookups"));
      record = merged.record;
      out_.notes.push_back("SPF of " + name + " is merged: " + request.old_record + " -> " +
                           record);
      for (const auto& term : merged.outside)
        out_.notes.push_back(term + " is outside of the proof");
      for (const auto& note : merged.notes) out_.notes.push_back(note);
      if (record != request.old_record)
        texts_gone_[name].insert(dns::txt_rdata(request.old_record));
    } else {
      MXF_TRY(parsed, dns::parse_spf(record));
      (void)parsed;
    }
    auto& set = fresh_[{name, "TXT"}];
    if (set.records.empty()) set.ttl = rules.ttl;
    set.records.push_back({dns::txt_rdata(record)});
    give_way_to_spf(name);
    return {};
  }

  void give_way_to_spf(const std::string& name) {
    if (const auto* alias = zone_.find(name, "CNAME")) drop(*alias, "TXT");
  }

  // --- the outcome

  Result<void> check_names() const {
    for (const auto& [key, set] : fresh_) {
      const auto& [name, type] = key;
      if (!dns::is_within(name, zone_.zone))
        return fail(wrong(ErrorCode::config, name + " lies outside the zone " + zone_.zone));
      if (type != "CNAME") continue;
      if (name == zone_.zone)
        return fail(wrong(ErrorCode::gate, "DC-06: a CNAME cannot stand at the zone's own name"));
      for (const auto& [other, unused] : fresh_)
        if (other.first == name && other.second != "CNAME")
          return fail(wrong(ErrorCode::gate, "DC-06: the template puts " + other.second +
                                                 " beside a CNAME at " + name));
      if (set.records.size() > 1)
        return fail(wrong(ErrorCode::gate, "DC-06: the template puts two CNAMEs at " + name));
      if (zone_.find(name, "NS") != nullptr)
        return fail(wrong(ErrorCode::gate, "DC-06: " + name + " is delegated"));
    }
    return {};
  }

  void collect() {
    // First, since a CNAME stands alone (RFC 1034 §3.6.2), and APIs check the change in its order.
    for (const auto& key : gone_) {
      if (fresh_.contains(key)) continue;
      ZoneRRset set;
      set.name = key.first;
      set.type = key.second;
      out_.sets.push_back(std::move(set));
    }
    for (auto& [key, set] : fresh_) {
      set.name = key.first;
      set.type = key.second;
      const auto* have = zone_.find(set.name, set.type);
      if (have != nullptr && set.type == "TXT") {
        // Foreign strings stay, in their place.
        ZoneRRset all;
        const auto& gone = texts_gone_[set.name];
        for (const auto& record : have->records)
          if (std::none_of(gone.begin(), gone.end(), [&](const std::string& rdata) {
                return dns::same_set("TXT", {rdata}, {record.rdata});
              }))
            all.records.push_back({record.rdata});
        for (const auto& record : set.records)
          if (intersection(all, record.rdata).empty()) all.records.push_back(record);
        set.records = std::move(all.records);
        set.ttl = have->ttl;
      }
      if (have == nullptr || have->ttl != set.ttl || !stands(*have, &set)) out_.sets.push_back(set);
    }
  }

  const ConnectTemplate& from_;
  const ConnectRequest& request_;
  const ZoneSnapshot& zone_;
  dns::Lookups& lookups_;
  std::string fqdn_;  // canonical: where the template is applied
  std::map<Key, ZoneRRset> fresh_;
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> modes_;  // by name
  std::map<std::string, Rules> spf_;                                               // by name
  std::set<Key> gone_;
  std::map<std::string, std::set<std::string>> texts_gone_;  // by name
  ConnectChange out_;
};

}  // namespace

Result<ConnectChange> change_by_template(const ConnectTemplate& from, const ConnectRequest& request,
                                         const ZoneSnapshot& zone, dns::Lookups& lookups) {
  return Changer(from, request, zone, lookups).run();
}

}  // namespace mxferry::plan
