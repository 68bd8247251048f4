// SPDX-License-Identifier: Apache-2.0
#include "protocol/mime/compose.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/escape.hpp"
#include "base/sha256.hpp"
#include "protocol/sasl/sasl.hpp"

namespace mxferry::mime {
namespace {

constexpr std::size_t kFold = 76;        // RFC 5322 §2.1.1 wants at most 78 characters a line
constexpr std::size_t kLongest = 998;    // and demands this
constexpr std::size_t kWordOctets = 42;  // 12 + 4 * 42 / 3 + 2 = 70 <= 75 (RFC 2047 §2)

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
}

// Encoded words end where a character ends (RFC 2047 §5).
std::vector<std::string> encoded_words(std::string_view text) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at;
    while (end < text.size()) {
      std::size_t next = end;
      (void)decode_utf8(text, next);
      if (next - at > kWordOctets && end > at) break;
      end = next;
    }
    out.push_back("=?UTF-8?B?" + sasl::base64(text.substr(at, end - at)) + "?=");
    at = end;
  }
  return out;
}

std::vector<std::string> plain_words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto blank = text.find(' ', 1);
    const auto word = text.substr(0, blank);
    out.emplace_back(word.starts_with(' ') ? word.substr(1) : word);
    text.remove_prefix(word.size());
  }
  return out;
}

std::string folded(std::string_view name, const std::vector<std::string>& words) {
  std::string line = std::string(name) + ":";
  std::string out;
  for (const auto& word : words) {
    if (line.size() + 1 + word.size() > kFold && line.find(' ') != std::string::npos) {
      out += line + "\r\n";
      line.clear();
    }
    line += ' ' + word;
  }
  return out + line + "\r\n";
}

// RFC 5322 §2.1.1: at most 998 octets; §3.2.2: no line of a field is of blanks alone.
bool are_lawful(std::string_view lines) {
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find("\r\n"));
    if (line.size() > kLongest || line.find_first_not_of(' ') == std::string_view::npos)
      return false;
    lines.remove_prefix(line.size() + 2);
  }
  return true;
}

std::string part(std::string_view type, const std::string& text) {
  return "Content-Type: " + std::string(type) +
         "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
         quoted_printable(text);
}

}  // namespace

std::string header_line(std::string_view name, std::string_view value) {
  const std::string clean = escape_line(value);
  if (is_ascii(clean)) {
    const auto lines = folded(name, plain_words(clean));
    if (are_lawful(lines)) return lines;
  }
  return folded(name, encoded_words(clean));
}

std::string quoted_printable(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  std::string line;
  const auto put = [&](const std::string& piece) {
    if (line.size() + piece.size() > 75) {  // 76 with the soft break's "="
      out += line + "=\r\n";
      line.clear();
    }
    line += piece;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (c == '\n') {
      out += line + "\r\n";
      line.clear();
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    // A blank at the end of a line, and a dot at its start, are changed on the way by some.
    const bool last = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
    const bool plain = (c >= '!' && c <= '~' && c != '=' && !(c == '.' && line.empty())) ||
                       ((c == ' ' || c == '\t') && !last);
    if (plain)
      put(std::string(1, c));
    else
      put(std::string("=") + kHex[byte >> 4U] + kHex[byte & 15U]);
  }
  if (!line.empty()) out += line + "\r\n";
  return out;
}

std::string date_text(Instant t) {
  using namespace std::chrono;
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = floor<days>(t);
  const year_month_day date(day);
  const hh_mm_ss time(floor<seconds>(t - day));
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02u %s %d %02d:%02d:%02d +0000",
                kDays[weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

std::string compose(const Letter& letter) {
  std::string out = header_line("Date", date_text(letter.date));
  out += header_line("From", letter.from);
  // A quoted name may hold what a phrase may not; one beyond ASCII goes as encoded words.
  std::string group = escape_line(letter.to_name);
  if (is_ascii(group) && group.size() < kLongest - 10) {
    std::erase_if(group, [](char c) { return c == '"' || c == '\\'; });
    out += "To: \"" + group + "\":;\r\n";
  } else {
    out += "To: ";
    for (const auto& word : encoded_words(group)) out += word + "\r\n ";
    out += ":;\r\n";
  }
  out += header_line("Subject", letter.subject);
  out += "Message-ID: <" + escape_line(letter.message_id) + ">\r\n";
  for (const auto& [name, value] : letter.fields) out += header_line(name, value);
  out += "MIME-Version: 1.0\r\n";
  if (letter.html.empty()) return out + part("text/plain", letter.text);
  // "=_" stands in no quoted-printable text (RFC 2045 §6.7).
  const std::string boundary =
      "=_" + sha256_hex(letter.message_id + letter.text + letter.html).substr(0, 32);
  out += "Content-Type: multipart/alternative; boundary=\"" + boundary + "\"\r\n\r\n";
  out += "--" + boundary + "\r\n" + part("text/plain", letter.text);
  out += "--" + boundary + "\r\n" + part("text/html", letter.html);
  return out + "--" + boundary + "--\r\n";
}

}  // namespace mxferry::mime
