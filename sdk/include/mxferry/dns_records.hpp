// SPDX-License-Identifier: Apache-2.0
// What DNS plugins have in common below HTTP: owner names by labels, TXT between plain text and
// presentation form (RFC 1035 §5.1), the comparison that finds somebody else's change, and the
// order in which single records become a wanted RRset. Pure, header only, any thread.
#pragma once

#include <algorithm>
#include <array>
#include <mxferry/plugin.hpp>
#include <set>

namespace mxferry::sdk {

/// ASCII letters only: names in DNS are compared without regard to their case (RFC 4343).
inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}
inline std::string with_dot(std::string_view host) {
  return std::string(host) + (host.ends_with('.') ? "" : ".");
}
inline std::string without_dot(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return std::string(host);
}

/// By labels: notexample.com. does not lie in example.com. Both absolute and in lower case.
inline bool lies_in(std::string_view name, std::string_view zone) {
  if (name == zone) return true;
  return name.size() > zone.size() && name.ends_with(zone) &&
         name[name.size() - zone.size() - 1] == '.';
}
/// "mx.example.com." in "example.com." is "mx"; the zone's own name is `apex`.
inline std::string relative_name(std::string_view name, std::string_view zone,
                                 std::string_view apex) {
  if (name == zone || !lies_in(name, zone)) return std::string(name == zone ? apex : name);
  return std::string(name.substr(0, name.size() - zone.size() - 1));
}
/// "mx" in "example.com." is "mx.example.com."; empty and "@" are the zone itself.
inline std::string absolute_name(std::string_view relative, std::string_view zone) {
  if (relative.empty() || relative == "@") return std::string(zone);
  return lower(relative) + "." + std::string(zone);
}

/// The zone of that very name. Failures: not_found (with the zone of the account that holds it, if
/// there is one), conflict where the account has the name more than once.
inline Result<Zone> pick_zone(const std::vector<Zone>& zones, const std::string& name) {
  const Zone* found = nullptr;
  std::string parent;
  for (const auto& zone : zones) {
    if (zone.name == name) {
      if (found != nullptr)
        return fail(MXF_CONFLICT, "the account has more than one zone " + name +
                                      "; name the one that is meant in the settings");
      found = &zone;
    } else if (lies_in(name, zone.name) && zone.name.size() > parent.size()) {
      parent = zone.name;
    }
  }
  if (found != nullptr) return *found;
  return fail(MXF_NOT_FOUND, "the account has no zone " + name +
                                 (parent.empty() ? "" : "; it is a part of zone " + parent));
}

/// The words of a record's data; quoted strings stay whole, with their quotes.
inline std::vector<std::string> fields_of(std::string_view rdata) {
  std::vector<std::string> out;
  std::string word;
  bool quoted = false;
  for (std::size_t i = 0; i < rdata.size(); ++i) {
    const char c = rdata[i];
    if (c == '"') quoted = !quoted;
    if (c == '\\' && i + 1 < rdata.size()) {
      word.push_back(c);
      word.push_back(rdata[++i]);
    } else if (!quoted && (c == ' ' || c == '\t')) {
      if (!word.empty()) out.push_back(std::move(word));
      word.clear();
    } else {
      word.push_back(c);
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

/// True where the last word of the data is a host name.
inline bool ends_in_host(std::string_view type) {
  static constexpr std::array<std::string_view, 7> kTypes = {"MX",  "CNAME", "NS",   "SRV",
                                                             "PTR", "DNAME", "ALIAS"};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}
/// Data of an API that writes host names without their final dot.
inline std::string host_completed(std::string_view type, std::string_view rdata) {
  return ends_in_host(type) ? with_dot(rdata) : std::string(rdata);
}
/// Data of an API that reads a host name without a final dot as relative to the zone.
inline std::string host_in_zone(std::string_view type, std::string_view rdata,
                                std::string_view zone) {
  if (!ends_in_host(type) || rdata.ends_with('.')) return std::string(rdata);
  const auto at = rdata.rfind(' ');
  const auto head = at == std::string_view::npos ? std::string_view() : rdata.substr(0, at + 1);
  const auto host = rdata.substr(head.size());
  return std::string(head) + (host == "@" ? std::string() : std::string(host) + ".") +
         std::string(zone);
}

/// The bytes of all character-strings of a TXT in presentation form: quoted or bare, \DDD and \X
/// escapes.
inline std::string txt_bytes(std::string_view text) {
  std::string out;
  bool quoted = false;
  const auto digit = [&](std::size_t k) {
    return k < text.size() && text[k] >= '0' && text[k] <= '9';
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '\\' && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      out.push_back(static_cast<char>((text[i + 1] - '0') * 100 + (text[i + 2] - '0') * 10 +
                                      (text[i + 3] - '0')));
      i += 3;
    } else if (c == '\\' && i + 1 < text.size()) {
      out.push_back(text[++i]);
    } else if (quoted || (c != ' ' && c != '\t')) {
      out.push_back(c);
    }
  }
  return out;
}
inline bool is_printable(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}
/// Character-strings of at most 255 octets in quotes, what is not printable ASCII as \DDD.
inline std::string txt_rdata(std::string_view bytes) {
  std::string out;
  std::size_t at = 0;
  do {
    out += out.empty() ? "\"" : " \"";
    for (const char c : bytes.substr(at, 255)) {
      const auto u = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out += {'\\', c};
      } else if (u < 0x20 || u > 0x7e) {
        out += {'\\', static_cast<char>('0' + u / 100), static_cast<char>('0' + u / 10 % 10),
                static_cast<char>('0' + u % 10)};
      } else {
        out.push_back(c);
      }
    }
    out.push_back('"');
    at += 255;
  } while (at < bytes.size());
  return out;
}
/// TXT as an API hands it out: quoted strings, or one bare text of any length.
inline std::string txt_as_read(std::string_view content) {
  const bool quoted = content.size() >= 2 && content.front() == '"' && content.back() == '"';
  return txt_rdata(quoted ? txt_bytes(content) : std::string(content));
}

/// What an API cannot store in a TXT.
struct TxtRules {
  std::size_t most = 4096;          // octets of the whole text
  std::string_view forbidden = "";  // characters
  bool outer_blanks = false;        // keeps a blank at the beginning or end
};
/// The text of a TXT's data for an API that takes it as one plain string; invalid where it would
/// not come back as it is.
inline Result<std::string> plain_txt(std::string_view rdata, const TxtRules& rules) {
  auto bytes = txt_bytes(rdata);
  if (bytes.empty()) return fail(MXF_INVALID, "this API stores no empty TXT");
  if (!is_printable(bytes))
    return fail(MXF_INVALID, "this API stores only printable ASCII in a TXT");
  if (const auto at = bytes.find_first_of(rules.forbidden); at != std::string::npos)
    return fail(MXF_INVALID,
                std::string("this API cannot store the character ") + bytes[at] + " in a TXT");
  if (bytes.size() > rules.most)
    return fail(MXF_INVALID,
                "this API stores at most " + std::to_string(rules.most) + " octets in a TXT");
  if (!rules.outer_blanks && (bytes.front() == ' ' || bytes.back() == ' '))
    return fail(MXF_INVALID, "this API drops a blank at the ends of a TXT");
  return bytes;
}
/// The same for an API that takes quoted strings and whose escapes beyond \" and \\ are not known.
inline Result<std::string> quoted_txt(std::string_view rdata) {
  TxtRules rules;
  rules.outer_blanks = true;
  rules.most = 65535;
  MXF_TRY(text, plain_txt(rdata, rules));
  return txt_rdata(text);
}

/// One spelling for all that means the same to a resolver: TXT by its bytes, everything else
/// without regard to case and spacing.
inline std::string comparable(std::string_view type, std::string_view rdata) {
  if (type == "TXT" || type == "SPF") return txt_bytes(rdata);
  std::string out;
  for (const auto& word : fields_of(lower(rdata))) out += (out.empty() ? "" : " ") + word;
  return out;
}
/// Equal TTL and the same records in any order.
inline bool same_rrset(const RRset& a, const RRset& b) {
  if (lower(a.name) != lower(b.name) || a.type != b.type || a.ttl != b.ttl) return false;
  const auto keys = [](const RRset& set) {
    std::vector<std::string> out;
    for (const auto& record : set.records) out.push_back(comparable(set.type, record.rdata));
    std::sort(out.begin(), out.end());
    return out;
  };
  return keys(a) == keys(b);
}

/// A record as an API of single records keeps it.
struct StoredRecord {
  std::string id, name, type;
  std::uint32_t ttl = 0;
  std::string rdata;
  std::string extra{};
};
/// RRsets in the order of their first records. Where TTLs differ the largest counts: caches may
/// hold it. An id that stands twice means that the listing moved while it was read.
inline Result<std::vector<RRset>> grouped(const std::vector<StoredRecord>& records) {
  std::vector<RRset> out;
  std::set<std::string> ids;
  for (const auto& record : records) {
    if (!record.id.empty() && !ids.insert(record.id).second)
      return fail(MXF_REMOTE, "the listing shows record " + record.id + " twice: read it again");
    auto set = std::find_if(out.begin(), out.end(), [&](const RRset& s) {
      return s.name == record.name && s.type == record.type;
    });
    if (set == out.end()) {
      out.push_back({record.name, record.type, record.ttl, {}, {}});
      set = out.end() - 1;
    }
    set->ttl = std::max(set->ttl, record.ttl);
    set->records.push_back({record.rdata, record.id, record.extra});
  }
  return out;
}

struct RecordStep {
  enum class Kind { create, update, remove };
  Kind kind;
  StoredRecord old{}, now{};
};

// Two records of one purpose become one another in place: the same mail host, or the same kind of
// string ("v=spf1", "v=DMARC1", "google-site-verification").
inline std::string purpose_of(std::string_view type, std::string_view rdata) {
  if (type == "TXT" || type == "SPF") {
    const auto text = lower(txt_bytes(rdata));
    return text.substr(0, text.find_first_of(text.starts_with("v=") ? " ;" : "= ;"));
  }
  const auto words = fields_of(lower(rdata));
  return words.empty() ? std::string() : words.back();
}

/// The steps from `have` (the stored records of one RRset) to `want`: what can change in place
/// does, then what is new is created, and only then is anything removed, so that a set is never
/// empty in between and an SPF string never stands beside its successor (RFC 7208 §4.5).
inline std::vector<RecordStep> steps_between(const std::vector<StoredRecord>& have,
                                             const std::optional<RRset>& want) {
  using Kind = RecordStep::Kind;
  std::vector<RecordStep> creates;
  std::vector<RecordStep> updates;
  std::vector<RecordStep> removes;
  std::vector<const StoredRecord*> old;
  for (const auto& record : have) old.push_back(&record);
  std::vector<const Record*> open;
  if (want)
    for (const auto& record : want->records) open.push_back(&record);
  const auto now = [&](const Record& record, const StoredRecord* from) {
    return StoredRecord{from == nullptr ? std::string() : from->id,
                        want->name,
                        want->type,
                        want->ttl,
                        record.rdata,
                        record.extra.empty() && from != nullptr ? from->extra : record.extra};
  };
  const auto pair_where = [&](const auto& fits) {
    std::erase_if(open, [&](const Record* record) {
      const auto at = std::find_if(old.begin(), old.end(),
                                   [&](const StoredRecord* from) { return fits(*from, *record); });
      if (at == old.end()) return false;
      const auto next = now(*record, *at);
      if ((*at)->ttl != next.ttl || (*at)->extra != next.extra ||
          comparable(next.type, (*at)->rdata) != comparable(next.type, next.rdata))
        updates.push_back({Kind::update, **at, next});
      old.erase(at);
      return true;
    });
  };
  pair_where([&](const StoredRecord& from, const Record& record) {
    return comparable(from.type, from.rdata) == comparable(from.type, record.rdata);
  });
  pair_where([&](const StoredRecord& from, const Record& record) {
    return purpose_of(from.type, from.rdata) == purpose_of(from.type, record.rdata);
  });
  pair_where([](const StoredRecord& from, const Record&) { return from.type != "TXT"; });
  for (const auto* record : open) creates.push_back({Kind::create, {}, now(*record, nullptr)});
  for (const auto* record : old) removes.push_back({Kind::remove, *record, {}});
  std::vector<RecordStep> out = std::move(updates);
  out.insert(out.end(), creates.begin(), creates.end());
  out.insert(out.end(), removes.begin(), removes.end());
  return out;
}

}  // namespace mxferry::sdk
