// SPDX-License-Identifier: Apache-2.0
#include "plugin/exported_symbols.hpp"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>

namespace mxferry::plugin {
namespace {

// The parts of the ELF-64 structures that are needed (System V gABI 4.1, figures 4-3, 4-8, 4-16).
struct Header {
  unsigned char ident[16];
  std::uint16_t type, machine;
  std::uint32_t version;
  std::uint64_t entry, program_offset, section_offset;
  std::uint32_t flags;
  std::uint16_t size, program_size, program_count, section_size, section_count, names;
};
struct Section {
  std::uint32_t name, type;
  std::uint64_t flags, address, offset, size;
  std::uint32_t link, info;
  std::uint64_t alignment, entry_size;
};
struct Symbol {
  std::uint32_t name;
  unsigned char info, other;
  std::uint16_t section;
  std::uint64_t value, size;
};

template <class T>
bool read_at(const std::string& bytes, std::uint64_t offset, T& out) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  std::memcpy(&out, bytes.data() + offset, sizeof(T));
  return true;
}

}  // namespace

Result<std::vector<std::string>> exported_symbols(const std::filesystem::path& library) {
  const auto wrong = [&](const char* why) {
    return fail(ErrorCode::plugin, "symbols of " + library.string(), why);
  };
  std::ifstream in(library, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  const std::string bytes = text.str();
  Header header{};
  if (!in || !read_at(bytes, 0, header)) return wrong("it cannot be read");
  if (std::memcmp(header.ident, "\177ELF\2\1", 6) != 0)
    return wrong("not a 64-bit little-endian ELF library");
  constexpr std::uint32_t kDynamicSymbols = 11;
  std::vector<std::string> out;
  for (std::uint16_t i = 0; i < header.section_count; ++i) {
    Section section{};
    if (!read_at(bytes, header.section_offset + std::uint64_t{i} * header.section_size, section))
      return wrong("its section table is cut");
    if (section.type != kDynamicSymbols || section.entry_size < sizeof(Symbol)) continue;
    Section strings{};
    if (!read_at(bytes, header.section_offset + std::uint64_t{section.link} * header.section_size,
                 strings) ||
        strings.offset > bytes.size() || bytes.size() - strings.offset < strings.size)
      return wrong("its string table is cut");
    for (std::uint64_t at = 0; at + section.entry_size <= section.size; at += section.entry_size) {
      Symbol symbol{};
      if (!read_at(bytes, section.offset + at, symbol)) return wrong("its symbol table is cut");
      const unsigned binding = symbol.info >> 4U;  // 0 local, 1 global, 2 weak, 10 unique
      if (symbol.section == 0 || binding == 0 || symbol.name >= strings.size) continue;
      const char* name = bytes.data() + strings.offset + symbol.name;
      out.emplace_back(name, ::strnlen(name, strings.size - symbol.name));
    }
  }
  return out;
}

}  // namespace mxferry::plugin
