// SPDX-License-Identifier: Apache-2.0
#include "app/debug_command.hpp"

#include <cstdint>
#include <deque>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/command.hpp"
#include "app/options.hpp"
#include "app/response_json.hpp"
#include "base/escape.hpp"
#include "base/sha256.hpp"

namespace mxferry::app {
namespace {

namespace po = boost::program_options;

constexpr std::size_t kChunk = std::size_t{64} << 10;

// A transcript as the server sent it: lines end in CRLF, and literals count those. A file in which
// no line does has lost its CRs on the way (an editor, a version control system): they are put
// back.
class Transcript {
 public:
  explicit Transcript(const std::string& path) : file_(path, std::ios::binary) {
    for (char c = 0, before = 0; file_.get(c); before = c)
      if (c == '\n' && before == '\r') {
        lost_cr_ = false;
        break;
      }
    readable_ = file_.eof() || !lost_cr_;
    rewind();
  }
  bool readable() const { return readable_; }
  // The next piece; empty at the end. It may be one byte longer than asked where a CR was put back.
  std::string read(std::size_t most) {
    std::string out;
    char c = 0;
    while (out.size() < most && file_.get(c)) {
      if (c == '\n' && lost_cr_) out += '\r';
      out += c;
    }
    return out;
  }
  // "line 3, byte 17" for an offset in what read() gave.
  std::string place(std::uint64_t offset) {
    rewind();
    std::uint64_t line = 1;
    std::uint64_t column = 1;
    char c = 0;
    for (std::uint64_t at = 0; at < offset && file_.get(c);) {
      at += c == '\n' && lost_cr_ ? 2 : 1;
      ++column;
      if (c != '\n') continue;
      if (at > offset) break;
      ++line;
      column = 1;
    }
    return std::to_string(line) + ":" + std::to_string(column);
  }

 private:
  void rewind() {
    file_.clear();
    file_.seekg(0);
  }
  std::ifstream file_;
  bool readable_ = false;
  bool lost_cr_ = true;
};

int unreadable(const std::string& path, const std::string& place, const std::string& why) {
  std::cerr << "mxferry: " << escape_line(path) << place << ": " << escape_line(why) << '\n';
  return code(Exit::usage);
}

int parse_file(const std::string& path, std::size_t chunk) {
  Transcript transcript(path);
  if (!transcript.readable()) return unreadable(path, "", "the file cannot be read");
  imap::ResponseReader reader;
  std::deque<std::string> digests;  // of the streamed literals of the response under way
  Sha256 literal;
  while (true) {
    auto event = reader.poll();
    if (!event)
      return unreadable(path, ":" + transcript.place(reader.error_offset()), event.error().text);
    if (!event->has_value()) {
      const auto bytes = transcript.read(chunk);
      if (bytes.empty()) break;
      reader.feed(bytes);
      continue;
    }
    if (std::holds_alternative<imap::LiteralBegin>(**event)) {
      literal = Sha256();
    } else if (const auto* piece = std::get_if<imap::LiteralChunk>(&**event)) {
      literal.update(piece->bytes);
    } else if (std::holds_alternative<imap::LiteralEnd>(**event)) {
      digests.push_back(hex(literal.finish()));
    } else {
      Json line = response_json(**event, reader, std::exchange(digests, {}));
      line["file"] = escape_line(path);
      line["offset"] = reader.response_offset();
      std::cout << line.dump() << '\n';
    }
  }
  if (!reader.in_response()) return code(Exit::done);
  const auto missing = reader.literal_left();
  return unreadable(path, ":" + transcript.place(reader.response_offset()),
                    missing > 0
                        ? "the file ends inside a literal of the response that begins here, " +
                              std::to_string(missing) + " octets are missing"
                        : "the file ends inside the response that begins here: CRLF was "
                          "expected");
}

int imap_parse(std::span<const std::string> args) {
  std::vector<std::string> files;
  std::size_t chunk = kChunk;
  OptionTable table;
  table.command = "debug imap-parse";
  table.synopsis = "FILE... [--chunk N]";
  table.about =
      "Reads transcripts of what IMAP servers said (their side only) as a connection would, and "
      "prints one "
      "JSON line per response. Bodies and other literals appear as size and SHA-256. What cannot "
      "be read is "
      "named as FILE:LINE:BYTE with what was expected, and the exit code is 2.";
  table.options.add_options()(
      "chunk", po::value(&chunk)->value_name("N"),
      "octets that are read at a time (65536): the result must not depend on it");
  table.hidden.add_options()("file", po::value(&files));
  table.positional.add("file", -1);
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  if (files.empty())
    return report_error(fail(ErrorCode::usage, "debug imap-parse", "which FILE?").error());
  if (chunk == 0) return report_error(fail(ErrorCode::usage, "--chunk", "at least 1").error());
  int worst = code(Exit::done);
  for (const auto& file : files) worst = std::max(worst, parse_file(file, chunk));
  return worst;
}

}  // namespace

std::vector<std::string> debug_subcommands() { return {"imap-parse"}; }

int debug_command(std::span<const std::string> args) {
  if (!args.empty() && args[0] == "imap-parse") return imap_parse(args.subspan(1));
  const bool help = !args.empty() && (args[0] == "--help" || args[0] == "-h");
  (help ? std::cout : std::cerr) << "usage: mxferry debug imap-parse FILE...     (mxferry debug "
                                    "imap-parse --help explains it)\n";
  return code(help ? Exit::done : Exit::usage);
}

}  // namespace mxferry::app
