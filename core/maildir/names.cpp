// SPDX-License-Identifier: Apache-2.0
#include "maildir/names.hpp"

#include <string_view>

#include "base/escape.hpp"
#include "base/sha256.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::maildir {
namespace {

constexpr std::size_t kLongest = 200;  // octets; file systems take 255

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_+&,=@()[]").find(c) != std::string_view::npos;
}

// What another Maildir++ reader would call it where the name is harmless: modified UTF-7.
std::string part(const std::string& name) {
  if (name.empty()) return "%-";
  // Bytes that are no UTF-8 keep their values; modified UTF-7 would take them for Latin-1.
  const std::string text = is_utf8(name) ? imap::encode_mutf7(name) : name;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool inner_blank = c == ' ' && i > 0 && i + 1 < text.size();
    if (is_plain(c) || inner_blank) {
      out += c;
    } else {
      static constexpr char kDigits[] = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

// `%~` is no spelling of a byte: a name with a digest never meets one without.
std::string with_digest(const std::string& encoded, const std::vector<std::string>& path) {
  std::string exact;
  for (const auto& p : path) exact += p + '\0';
  return encoded.substr(0, kLongest - 34) + "%~" + sha256_hex(exact).substr(0, 32);
}

std::string encode(const std::vector<std::string>& path) {
  std::string out;
  for (const auto& p : path) out += '.' + part(p);
  return out;
}

}  // namespace

std::string fold_case(std::string name) {
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

std::string directory_for(const std::vector<std::string>& path) {
  std::string out = encode(path);
  return out.size() <= kLongest ? out : with_digest(out, path);
}

std::string free_directory_for(const std::vector<std::string>& path,
                               const std::set<std::string>& taken) {
  std::string out = directory_for(path);
  return taken.contains(fold_case(out)) ? with_digest(encode(path), path) : out;
}

}  // namespace mxferry::maildir
