// SPDX-License-Identifier: Apache-2.0
// PaceBook in a state file: one row for each account or host, "DAY OCTETS", of the last day alone.
#pragma once

#include <string>

#include "copy/pace.hpp"
#include "store/state_file.hpp"

namespace mxferry::copy {

class StatePaceBook final : public PaceBook {
 public:
  /// `file` outlives the book.
  explicit StatePaceBook(store::StateFile& file) : file_(file) {}
  Result<std::uint64_t> moved(const std::string& who, const std::string& day) override;
  Result<void> set_moved(const std::string& who, const std::string& day,
                         std::uint64_t octets) override;

 private:
  store::StateFile& file_;
};

}  // namespace mxferry::copy
