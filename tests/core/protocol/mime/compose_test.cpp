// SPDX-License-Identifier: Apache-2.0
#include "protocol/mime/compose.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/escape.hpp"

namespace mxferry::mime {
namespace {

using std::chrono::sys_days;
using namespace std::chrono_literals;

std::string decoded(const std::string& text) {  // RFC 2045 §6.7, the other way
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out += text[i];
    } else if (text.compare(i, 3, "=\r\n") == 0) {
      i += 2;
    } else {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    }
  }
  std::string lines;
  for (const char c : out)
    if (c != '\r') lines += c;
  return lines;
}

Letter letter() {
  Letter out;
  out.from = "ops@example.com";
  out.to_name = "mail users of example.com";
  out.subject = "Your mail moves";
  out.message_id = "notice.1@example.com";
  out.date = sys_days(2026y / 11 / 24) + 10h + 17min + 30s;
  out.text = "Hello\n\n.dot = 1\n";
  out.html = "<p>Hello</p>\n";
  out.fields = {{"Auto-Submitted", "auto-generated"}};
  return out;
}

TEST(Compose, AWholeLetter) {
  const auto text = compose(letter());
  const auto at = text.find("boundary=\"") + 10;
  const auto boundary = text.substr(at, text.find('"', at) - at);
  EXPECT_EQ(text,
            "Date: Tue, 24 Nov 2026 10:17:30 +0000\r\nFrom: ops@example.com\r\n"
            "To: \"mail users of example.com\":;\r\nSubject: Your mail moves\r\n"
            "Message-ID: <notice.1@example.com>\r\nAuto-Submitted: auto-generated\r\n"
            "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"" +
                boundary + "\"\r\n\r\n--" + boundary +
                "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
                "quoted-printable\r\n\r\nHello\r\n\r\n=2Edot =3D 1\r\n--" +
                boundary +
                "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: "
                "quoted-printable\r\n\r\n<p>Hello</p>\r\n--" +
                boundary + "--\r\n");
  EXPECT_EQ(text, compose(letter())) << "a notice that is sent again is the same";
}

TEST(Compose, NoValueMakesAHeaderLineOfItsOwn) {
  auto bad = letter();
  bad.subject = "x\r\nBcc: all@example.com\r\n\r\nbody";
  bad.to_name = "a\" <b>\r\nX: y";
  bad.message_id = "i\r\nZ: 1";
  const auto text = compose(bad);
  const auto header = text.substr(0, text.find("\r\n\r\n"));
  EXPECT_EQ(header.find("\r\nBcc"), std::string::npos);
  EXPECT_EQ(header.find("\r\nX:"), std::string::npos);
  EXPECT_EQ(header.find("\r\nZ:"), std::string::npos);
}

TEST(Compose, WordsBeyondAsciiAreEncodedAndFolded) {
  EXPECT_EQ(header_line("Subject", "Grüße"), "Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n");
  std::string longer;
  for (int i = 0; i < 60; ++i) longer += "ä";
  const auto line = header_line("Subject", longer);
  std::size_t begin = 0;
  int lines = 0;
  for (std::size_t end = 0; (end = line.find("\r\n", begin)) != std::string::npos;
       begin = end + 2) {
    EXPECT_LE(end - begin, 78U);
    ++lines;
  }
  EXPECT_GE(lines, 3);
  // 42 octets a word: an even number, so that no ä is cut in two.
  EXPECT_NE(line.find("\r\n =?UTF-8?B?"), std::string::npos);
}

TEST(Compose, FoldsLongPlainValuesAtBlanks) {
  std::string value;
  for (int i = 0; i < 40; ++i) value += "word ";
  value.pop_back();
  const auto line = header_line("X-Long", value);
  std::string unfolded = line;
  for (std::size_t at = 0; (at = unfolded.find("\r\n ")) != std::string::npos;)
    unfolded.erase(at, 2);
  EXPECT_EQ(unfolded, "X-Long: " + value + "\r\n");
  EXPECT_GT(line.size(), unfolded.size());
}

// RFC 5322 §2.1.1 and §3.2.2.
TEST(Compose, NoLineIsTooLongOrOfBlanksAlone) {
  const auto is_lawful = [](std::string_view text) {
    while (!text.empty()) {
      const auto line = text.substr(0, text.find("\r\n"));
      if (line.size() > 998 || line.find_first_not_of(' ') == std::string_view::npos) return false;
      text.remove_prefix(line.size() + 2);
    }
    return true;
  };
  for (const std::size_t size : {100U, 988U, 989U, 990U, 1200U, 5000U}) {
    EXPECT_TRUE(is_lawful(header_line("Subject", std::string(size, 'x')))) << size;
    EXPECT_TRUE(is_lawful(header_line("Subject", "a" + std::string(size, ' ') + "b"))) << size;
    Letter long_group = letter();
    long_group.to_name = std::string(size, 'g');
    const auto text = compose(long_group);
    EXPECT_TRUE(is_lawful(text.substr(0, text.find("\r\n\r\n") + 2))) << size;
  }
}

TEST(Compose, QuotedPrintableComesBackWhole) {
  std::mt19937 rng(7);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    const auto size = rng() % 400;
    for (unsigned i = 0; i < size; ++i) {
      const auto kind = rng() % 8;
      text += kind == 0 ? '\n' : kind == 1 ? ' ' : static_cast<char>(rng() % 256);
    }
    std::erase(text, '\r');
    const auto coded = quoted_printable(text);
    auto back = decoded(coded);
    if (!text.empty() && text.back() != '\n') text += '\n';
    ASSERT_EQ(back, text) << "round " << round;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = coded.find("\r\n", begin)) != std::string::npos;
         begin = end + 2) {
      ASSERT_LE(end - begin, 76U);
      ASSERT_FALSE(end > begin && coded[end - 1] == ' ');
      ASSERT_NE(coded[begin], '.');
    }
  }
}

TEST(Compose, TextAloneIsOnePart) {
  auto one = letter();
  one.html.clear();
  const auto text = compose(one);
  EXPECT_NE(text.find("Content-Type: text/plain; charset=utf-8"), std::string::npos);
  EXPECT_EQ(text.find("multipart"), std::string::npos);
}

}  // namespace
}  // namespace mxferry::mime
