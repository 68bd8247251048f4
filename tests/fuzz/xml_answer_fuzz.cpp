// SPDX-License-Identifier: Apache-2.0
// libFuzzer: no answer crashes the reader of XML, what it reads keeps its bounds, and written again
// it reads the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <mxferry/xml_answer.hpp>
#include <string>
#include <string_view>

namespace {

using mxferry::sdk::XmlElement;

std::string written(const XmlElement& element) {
  std::string out = "<" + element.name;
  for (const auto& [key, value] : element.attributes)
    out += " " + key + "=\"" + mxferry::sdk::xml_escaped(value) + "\"";
  out += ">" + mxferry::sdk::xml_escaped(element.text);
  for (const auto& child : element.children) out += written(child);
  return out + "</" + element.name + ">";
}

bool same(const XmlElement& one, const XmlElement& other) {
  if (one.name != other.name || one.text != other.text || one.attributes != other.attributes ||
      one.children.size() != other.children.size())
    return false;
  for (std::size_t i = 0; i < one.children.size(); ++i)
    if (!same(one.children[i], other.children[i])) return false;
  return true;
}

int depth(const XmlElement& element) {
  int below = 0;
  for (const auto& child : element.children) below = std::max(below, depth(child));
  return below + 1;
}

// All of it comes from the input: a reference is longer than what it stands for.
std::size_t octets(const XmlElement& element) {
  std::size_t out = element.name.size() + element.text.size();
  for (const auto& [key, value] : element.attributes) out += key.size() + value.size();
  for (const auto& child : element.children) out += octets(child);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto root = mxferry::sdk::xml_of(text);
  if (!root) return 0;
  if (depth(*root) > 65 || octets(*root) > size) std::abort();
  const auto again = mxferry::sdk::xml_of(written(*root));
  if (!again || !same(*root, *again)) std::abort();
  return 0;
}
