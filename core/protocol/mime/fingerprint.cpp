// SPDX-License-Identifier: Apache-2.0
#include "protocol/mime/fingerprint.hpp"

#include <openssl/evp.h>
#include <xxhash.h>

#include <array>
#include <new>

#include "protocol/mime/header_fields.hpp"

namespace mxferry::mime {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool same_letter(char a, char b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return lower(a) == lower(b);
}

// What stands behind the colon where `field` has this name; there may be blanks before it (RFC 5322
// §4.5).
std::optional<std::string_view> value_of(std::string_view field, std::string_view name) {
  if (field.size() <= name.size()) return std::nullopt;
  for (std::size_t i = 0; i < name.size(); ++i)
    if (!same_letter(field[i], name[i])) return std::nullopt;
  auto rest = field.substr(name.size());
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
  if (rest.empty() || rest.front() != ':') return std::nullopt;
  return rest.substr(1);
}

// One blank between the words, none around them.
void append_unfolded(std::string_view value, std::string& out) {
  const auto before = out.size();
  for (const char c : value) {
    if (!is_blank(c))
      out += c;
    else if (out.size() > before && out.back() != ' ')
      out += ' ';
  }
  if (out.size() > before && out.back() == ' ') out.pop_back();
}

Fingerprint to_bytes(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  Fingerprint out;
  std::copy(std::begin(canonical.digest), std::end(canonical.digest), out.begin());
  return out;
}

}  // namespace

std::size_t header_size(std::string_view message) {
  std::size_t at = 0;
  while (at < message.size()) {
    if (message[at] == '\n') return at + 1;
    if (message[at] == '\r' && at + 1 < message.size() && message[at + 1] == '\n') return at + 2;
    const auto end = message.find('\n', at);
    if (end == std::string_view::npos) return message.size();
    at = end + 1;
  }
  return message.size();
}

std::optional<std::string> header_field(std::string_view header, std::string_view name) {
  std::optional<std::string> out;
  each_field(header, [&](std::string_view field) {
    const auto value = value_of(field, name);
    if (!value) return true;
    append_unfolded(*value, out.emplace());
    return false;
  });
  return out;
}

std::optional<Fingerprint> header_fingerprint(std::string_view header) {
  constexpr std::array<std::string_view, 4> kNames = {"Message-ID", "Date", "From", "Subject"};
  // The first field of each name, found in one pass: every message goes through here.
  std::array<std::optional<std::string_view>, kNames.size()> values;
  std::size_t found = 0;
  each_field(header, [&](std::string_view field) {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (values[i]) continue;
      values[i] = value_of(field, kNames[i]);
      if (!values[i]) continue;
      ++found;
      break;
    }
    return found < kNames.size();
  });
  if (found == 0) return std::nullopt;
  std::string text;
  for (const auto& value : values) {
    // A field that is there and empty differs from one that is not.
    text += value ? '+' : '-';
    if (value) append_unfolded(*value, text);
    text += '\n';
  }
  return to_bytes(XXH3_128bits(text.data(), text.size()));
}

Fingerprint content_hash(std::string_view message) {
  return to_bytes(XXH3_128bits(message.data(), message.size()));
}

Fingerprint fingerprint(std::string_view message) {
  const auto size = header_size(message);
  if (const auto by_header = header_fingerprint(message.substr(0, size))) return *by_header;
  // No header field that says who it is: the body does. Where there is no empty line everything is
  // body.
  const auto body = message.substr(size);
  return content_hash(body.empty() ? message : body);
}

struct Sha256::State {
  EVP_MD_CTX* context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  state_->context = EVP_MD_CTX_new();
  if (state_->context == nullptr || EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1)
    throw std::bad_alloc();
}
Sha256::~Sha256() { EVP_MD_CTX_free(state_->context); }
void Sha256::update(std::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}
Digest Sha256::finish() {
  Digest out{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context, out.data(), &size);
  return out;
}

Digest sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

struct ContentHash::State {
  XXH3_state_t* state;
};

ContentHash::ContentHash() : state_(std::make_unique<State>()) {
  state_->state = XXH3_createState();
  if (state_->state == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(state_->state);
}
ContentHash::~ContentHash() { XXH3_freeState(state_->state); }
void ContentHash::update(std::string_view bytes) {
  XXH3_128bits_update(state_->state, bytes.data(), bytes.size());
}
Fingerprint ContentHash::finish() const { return to_bytes(XXH3_128bits_digest(state_->state)); }

}  // namespace mxferry::mime
