// SPDX-License-Identifier: Apache-2.0
// Who a message is. The fingerprint (XXH3-128 over Message-ID, Date, From and Subject, unfolded and
// with white space squeezed) survives servers that rewrite transport headers; it preselects. The
// digest (SHA-256 of every octet) decides. A message without any of the four fields is
// fingerprinted by its body. RFC 5322 §2.2.3 for unfolding. Pure, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mxferry::mime {

using Fingerprint = std::array<unsigned char, 16>;
using Digest = std::array<unsigned char, 32>;

/// Where the header of `message` ends: behind the empty line, or the whole of it.
std::size_t header_size(std::string_view message);

/// The value of the first field `name` (any case), unfolded, white space squeezed and trimmed;
/// nothing if it is absent.
std::optional<std::string> header_field(std::string_view header, std::string_view name);

/// Of a header (or the answer to BODY[HEADER.FIELDS (...)]); nothing where none of the four fields
/// is there.
std::optional<Fingerprint> header_fingerprint(std::string_view header);

/// Of a whole message; by its header where it has one, else by its body.
Fingerprint fingerprint(std::string_view message);

/// XXH3-128 of every octet.
Fingerprint content_hash(std::string_view message);

/// SHA-256 as octets come; finish() once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest sha256(std::string_view bytes);

/// XXH3-128 as octets come, for messages that stream.
class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;
  void update(std::string_view bytes);
  Fingerprint finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mxferry::mime
