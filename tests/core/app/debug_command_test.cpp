// SPDX-License-Identifier: Apache-2.0
#include "app/debug_command.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/json_reader.hpp"
#include "base/sha256.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::app {
namespace {

struct Ran {
  int code = -1;
  std::string out, err;
  std::vector<Json> lines() const {
    std::vector<Json> list;
    std::istringstream stream(out);
    for (std::string line; std::getline(stream, line);)
      list.push_back(parse_json(line, "imap-parse").value());
    return list;
  }
};

class ImapParse : public ::testing::Test {
 protected:
  Ran parse(const std::string& bytes, std::vector<std::string> more = {}) {
    std::ofstream(path_, std::ios::binary) << bytes;
    std::vector<std::string> args = {"imap-parse", path_};
    args.insert(args.end(), more.begin(), more.end());
    Ran ran;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    ran.code = debug_command(args);
    ran.out = testing::internal::GetCapturedStdout();
    ran.err = testing::internal::GetCapturedStderr();
    return ran;
  }
  test::TempDir dir_;
  std::string path_ = (dir_.path() / "x.txt").string();
};

TEST_F(ImapParse, PrintsOneLineAResponseAndNoContent) {
  const std::string bytes =
      "* 3 FETCH (UID 7 FLAGS (\\Seen) BODY[] {9}\r\nAB\r\nsecret"
      " INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")\r\n"
      "* LIST (\\Sent) \"/\" {4}\r\nSe\x1bt\r\n* XNEW (a {6}\r\nhidden)\r\nA1 OK [UIDNEXT 8] "
      "done\r\n";
  // The literal has two octets more than it says: what follows cannot be a FETCH answer.
  const auto lied = parse(bytes);
  EXPECT_EQ(lied.code, 2);
  EXPECT_NE(lied.err.find(path_ + ":3:"), std::string::npos) << lied.err;
  auto right = bytes;
  right.replace(right.find("{9}"), 3, "{10}");
  const auto ran = parse(right);
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto lines = ran.lines();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0]["bodies"][0]["octets"], 10);
  EXPECT_EQ(lines[0]["bodies"][0]["sha256"], sha256_hex("AB\r\nsecret"));
  EXPECT_EQ(lines[0]["flags"], Json({"\\Seen"}));
  EXPECT_EQ(lines[1]["name"], "Se\\x1bt");
  EXPECT_EQ(lines[2]["literals"][0]["sha256"], sha256_hex("hidden"));
  EXPECT_EQ(lines[2]["text"], "(a {6})");
  EXPECT_EQ(lines[3]["code"]["number"], 8);
  EXPECT_EQ(lines[3]["offset"], right.find("A1 OK"));
  EXPECT_EQ(ran.out.find("secret"), std::string::npos);
  EXPECT_EQ(ran.out.find("hidden"), std::string::npos);
  for (const auto* chunk : {"1", "2", "17"})
    EXPECT_EQ(parse(right, {"--chunk", chunk}).out, ran.out);
}

TEST_F(ImapParse, PutsLostCarriageReturnsBack) {
  const auto ran = parse("* 1 FETCH (BODY[] {4}\na\nb)\nA1 OK done\n");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.lines()[0]["bodies"][0]["sha256"], sha256_hex("a\r\nb"));
  // Where one line has kept its CR, nothing was lost.
  EXPECT_EQ(parse("* OK hi\r\n* 1 FETCH (BODY[] {4}\na\nb)\nA1 OK done\n").code, 2);
}

TEST_F(ImapParse, NamesThePlaceOfWhatItCannotRead) {
  struct Case {
    const char* bytes;
    const char* place;
    const char* words;
  };
  for (const auto& [bytes, place, words] : {
           Case{"* OK hi\nrubbish\n", ":2:8: ", "a blank was expected"},
           Case{"* OK hi\r\n* 1 FETCH (UID x)\r\n", ":2:16: ", "a number was expected"},
           Case{"* OK hi\n* 1 FETCH (BODY[] {50}\nabc\n", ":2:1: ", "45 octets are missing"},
           Case{"* OK hi\r\n* OK ", ":2:1: ", "CRLF was expected"},
           Case{"* 4294967296 EXISTS\r\n", ":1:12: ", "number out of range"},
       }) {
    const auto ran = parse(bytes);
    EXPECT_EQ(ran.code, 2) << bytes;
    EXPECT_NE(ran.err.find(path_ + place), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find(words), std::string::npos) << ran.err;
  }
  // A file that cannot be read, and one that can be behind it.
  const auto ran = parse("* OK hi\r\n", {(dir_.path() / "absent").string()});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.lines().size(), 1U);
  EXPECT_EQ(parse("").code, 0);
  EXPECT_EQ(parse("* OK hi\r\n", {"--chunk", "0"}).code, 2);
}

}  // namespace
}  // namespace mxferry::app
