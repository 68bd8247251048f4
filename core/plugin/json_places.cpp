// SPDX-License-Identifier: Apache-2.0
#include "plugin/json_places.hpp"

namespace mxferry::plugin {
namespace {

void skip_space(std::string_view text, std::size_t& i) {
  while (i < text.size() &&
         (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r'))
    ++i;
}

// Leaves `i` behind the closing quote. Escapes other than \" and \\ do not matter for keys of ours.
std::string string_token(std::string_view text, std::size_t& i) {
  std::string out;
  for (++i; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.push_back(text[i]);
  }
  ++i;
  return out;
}

}  // namespace

JsonPlaces::JsonPlaces(std::string_view text) {
  std::size_t i = 0;
  value(text, i, "");
}

std::string JsonPlaces::line_column(std::string_view text, std::size_t offset) const {
  std::size_t line = 1;
  std::size_t column = 1;
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
      ++column;
    }
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

void JsonPlaces::value(std::string_view text, std::size_t& i, const std::string& pointer) {
  skip_space(text, i);
  places_.emplace(pointer, line_column(text, i));
  if (i >= text.size()) return;
  if (text[i] == '"') {
    string_token(text, i);
  } else if (text[i] == '{' || text[i] == '[') {
    const bool object = text[i] == '{';
    std::size_t index = 0;
    ++i;
    for (;;) {
      skip_space(text, i);
      if (i >= text.size()) return;
      if (text[i] == '}' || text[i] == ']') {
        ++i;
        return;
      }
      if (text[i] == ',') {
        ++i;
        continue;
      }
      std::string child = pointer + "/";
      if (object) {
        child += string_token(text, i);
        skip_space(text, i);
        ++i;  // ':'
      } else {
        child += std::to_string(index++);
      }
      value(text, i, child);
    }
  } else {
    while (i < text.size() &&
           std::string_view(",]} \t\r\n").find(text[i]) == std::string_view::npos)
      ++i;
  }
}

std::string JsonPlaces::at(std::string_view pointer) const {
  std::string_view p = pointer;
  for (;;) {
    if (const auto it = places_.find(p); it != places_.end()) return it->second;
    if (p.empty()) return "1:1";
    p = p.substr(0, p.rfind('/'));
  }
}

}  // namespace mxferry::plugin
