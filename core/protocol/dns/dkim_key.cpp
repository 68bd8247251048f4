// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/dkim_key.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "base/escape.hpp"

namespace mxferry::dns {
namespace {

constexpr std::size_t kEd25519Octets = 32;  // RFC 8463 §4

std::string without_blanks(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') out += c;
  return out;
}

std::optional<std::string> decoded(const std::string& base64) {
  if (base64.empty() || base64.size() % 4 != 0) return std::nullopt;
  std::string out(base64.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(base64.data()),
                                   static_cast<int>(base64.size()));
  if (size < 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && base64[base64.size() - 1 - padding] == '=') ++padding;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

// The size of a SubjectPublicKeyInfo's RSA key; 0 where it is none.
int rsa_bits(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())), EVP_PKEY_free);
  return key && EVP_PKEY_base_id(key.get()) == EVP_PKEY_RSA ? EVP_PKEY_bits(key.get()) : 0;
}

// tag-list = tag-spec *( ";" tag-spec ) [ ";" ]                            (RFC 6376 §3.2)
std::map<std::string, std::string> tags_of(std::string_view text, DkimKey& key) {
  std::map<std::string, std::string> out;
  bool first = true;
  while (!text.empty()) {
    const auto part = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const auto equals = part.find('=');
    const auto name = without_blanks(part.substr(0, equals));
    if (equals == std::string_view::npos) {
      if (!name.empty()) key.problems.push_back("\"" + escape_line(part) + "\" is no tag");
      continue;
    }
    if (name == "v" && !first) key.problems.emplace_back("v= does not stand first");
    first = false;
    if (!out.emplace(name, without_blanks(part.substr(equals + 1))).second)
      key.problems.push_back("the tag " + escape_line(name) + " stands twice");
  }
  return out;
}

bool lists(const std::string& values, std::string_view value) {
  for (std::string_view rest = values; !rest.empty();) {
    const auto one = rest.substr(0, rest.find(':'));
    if (one == value) return true;
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
  }
  return false;
}

}  // namespace

DkimKey parse_dkim_key(std::string_view text) {
  DkimKey key;
  const auto tags = tags_of(text, key);
  const auto value = [&](const char* name) {
    const auto found = tags.find(name);
    return found == tags.end() ? std::nullopt : std::optional(found->second);
  };
  if (const auto v = value("v"); v && *v != "DKIM1")
    key.problems.push_back("v=" + escape_line(*v) + " is not DKIM1");
  if (const auto h = value("h"); h && !lists(*h, "sha256"))
    key.problems.emplace_back("h= does not allow sha256, and sha1 is no longer used (RFC 8301)");
  if (const auto s = value("s"); s && !lists(*s, "email") && !lists(*s, "*"))
    key.problems.emplace_back("s= does not allow e-mail");
  key.testing = lists(value("t").value_or(""), "y");
  key.type = value("k").value_or("rsa");
  const auto p = value("p");
  if (!p) {
    key.problems.emplace_back("p= is missing");
    return key;
  }
  key.revoked = p->empty();
  if (key.revoked) return key;
  const auto octets = decoded(*p);
  if (key.type == "ed25519") {
    key.bits = 256;
    if (!octets || octets->size() != kEd25519Octets)
      key.problems.emplace_back("p= is no ed25519 key");
  } else if (key.type == "rsa") {
    key.bits = octets ? rsa_bits(*octets) : 0;
    if (key.bits == 0) key.problems.emplace_back("p= is no RSA key: a part of it may be missing");
  } else {
    key.problems.push_back("k=" + escape_line(key.type) + " is not known");
  }
  return key;
}

}  // namespace mxferry::dns
