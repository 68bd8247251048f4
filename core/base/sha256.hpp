// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) through libcrypto, one call or a stream. Plain values; one stream belongs to
// one thread.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace mxferry {

/// 32 raw bytes.
std::string sha256(std::string_view bytes);
/// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  /// 32 raw bytes; the stream starts afresh.
  std::string finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mxferry
