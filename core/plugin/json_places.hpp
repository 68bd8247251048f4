// SPDX-License-Identifier: Apache-2.0
// JsonPlaces: where each value of a JSON document stands in its text, so that a mistake in a
// manifest is named by line and column. For text that parse_json() has accepted. A plain value.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace mxferry::plugin {

class JsonPlaces {
 public:
  explicit JsonPlaces(std::string_view text);
  /// "LINE:COLUMN" (from 1) of the value at an RFC 6901 pointer, or of its nearest parent.
  std::string at(std::string_view pointer) const;

 private:
  void value(std::string_view text, std::size_t& i, const std::string& pointer);
  std::string line_column(std::string_view text, std::size_t offset) const;
  std::map<std::string, std::string, std::less<>> places_;
};

}  // namespace mxferry::plugin
