// SPDX-License-Identifier: Apache-2.0
// Secret: a value that does not print, compare or log itself, and is overwritten when it dies. Move
// or copy it knowingly; reveal() is the one way out and is greppable. Any thread; not synchronised.
#pragma once

#include <string>
#include <string_view>

namespace mxferry {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe();
      value_ = other.value_;
    }
    return *this;
  }
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      value_ = std::move(other.value_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  /// The value; the view lives as long as this object is neither moved from nor assigned.
  std::string_view reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  void wipe() noexcept {
    // volatile: the compiler may not drop the stores as dead.
    volatile char* p = value_.data();
    for (std::size_t i = 0; i < value_.size(); ++i) p[i] = 0;
    value_.clear();
  }
  std::string value_;
};

/// Overwrites a buffer that held a secret before it is freed or reused.
inline void wipe(std::string& buffer) noexcept {
  volatile char* p = buffer.data();
  for (std::size_t i = 0; i < buffer.size(); ++i) p[i] = 0;
  buffer.clear();
}

}  // namespace mxferry
