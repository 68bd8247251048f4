// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/zone_diff.hpp"

#include <algorithm>

#include "base/escape.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::dns {
namespace {

// What identifies a record in its set: TXT by joined text, as "a" "b" and "ab" say the same to
// every reader.
Result<std::string> key_of(const std::string& type, const std::string& rdata) {
  if (type == "TXT" || type == "SPF") return txt_text(rdata);
  return canonical_rdata(type, rdata);
}

}  // namespace

Result<std::vector<std::string>> canonical_set(const std::string& type,
                                               const std::vector<std::string>& rdata) {
  std::vector<std::string> out;
  for (const auto& item : rdata) {
    MXF_TRY(canonical, canonical_rdata(type, item));
    out.push_back(std::move(canonical));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool same_set(const std::string& type, const std::vector<std::string>& a,
              const std::vector<std::string>& b) {
  const auto keys = [&](const std::vector<std::string>& set, std::vector<std::string>& out) {
    for (const auto& item : set) {
      auto key = key_of(type, item);
      if (!key) return false;
      out.push_back(std::move(*key));
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return true;
  };
  std::vector<std::string> left;
  std::vector<std::string> right;
  return keys(a, left) && keys(b, right) && left == right;
}

Result<std::vector<std::string>> edit_set(const std::string& type,
                                          const std::vector<std::string>& set,
                                          const std::vector<std::string>& remove,
                                          const std::vector<std::string>& add) {
  std::vector<std::string> out = set;
  for (const auto& item : remove) {
    MXF_TRY(key, key_of(type, item));
    const auto found = std::find_if(out.begin(), out.end(), [&](const std::string& have) {
      auto other = key_of(type, have);
      return other && *other == key;
    });
    if (found == out.end())
      return fail(
          ErrorCode::conflict, "edit " + type + " set",
          "DC-02: expected the string \"" + escape_line(key) + "\", which is not there any more");
    out.erase(found);
  }
  for (const auto& item : add) {
    MXF_TRY(key, key_of(type, item));
    const bool there = std::any_of(out.begin(), out.end(), [&](const std::string& have) {
      auto other = key_of(type, have);
      return other && *other == key;
    });
    if (!there) out.push_back(item);
  }
  return out;
}

}  // namespace mxferry::dns
