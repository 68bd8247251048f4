// SPDX-License-Identifier: Apache-2.0
// libFuzzer: whatever DNS answers, check_host() ends with a verdict inside its bounds: lookups,
// voids, questions, the length of the explanation.
//
// The input is a client address, a sender and the answers, one a line: "T" text of a TXT record,
// "M", "A", "P" data of an MX, address or PTR record, "+" one more record to the line before,
// "0" nothing, "3" no such name, "F" a failure. The questions take them in turn, again from the
// first when they are used up.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf_check.hpp"

namespace {

using namespace mxferry::dns;

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

class Script : public Lookups {
 public:
  explicit Script(std::string_view text) {
    while (!text.empty()) {
      auto line = take_line(text);
      const bool more = line.starts_with('+') && !answers_.empty();
      if (more) line.remove_prefix(1);
      if (line.empty()) continue;
      if (!more) answers_.emplace_back();
      read(line[0], line.substr(1), answers_.back());
    }
  }

  Answer ask(const Question& question) override {
    // 10 terms, each with one question of its own and 10 for its hosts, the record, the
    // explanation and %{p} with its names.
    if (++questions_ > 1 + 10 * (1 + 10) + 1 + 1 + 10) std::abort();
    if (question.name.size() > 1100 || question.type == "SPF") std::abort();
    if (answers_.empty()) return {};
    return answers_[next_++ % answers_.size()];
  }

 private:
  static void read(char kind, std::string_view data, Answer& answer) {
    answer.kind = Answer::Kind::found;
    auto name = canonical_name(data);
    const auto host = name ? *name : std::string("h.example.");
    if (kind == 'T') answer.rdata.push_back(txt_rdata(data));
    if (kind == 'M') answer.rdata.push_back("10 " + host);
    if (kind == 'A') answer.rdata.emplace_back(data);
    if (kind == 'P') answer.rdata.push_back(host);
    if (kind == '0') answer = Answer{Answer::Kind::nothing};
    if (kind == '3') answer = Answer{Answer::Kind::no_name};
    if (kind == 'F') answer = Answer{};
  }
  std::vector<Answer> answers_;
  std::size_t next_ = 0;
  int questions_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  SpfRequest request;
  const auto client = parse_ip(take_line(rest));
  request.client = client.value_or(parse_ip("192.0.2.1").value());
  request.sender = take_line(rest);
  request.helo = "mail.example.net";
  Script script(rest);
  const auto verdict = check_spf(request, script);
  if (verdict.lookups > kSpfLookups + 1 || verdict.voids > kSpfVoids + 1) std::abort();
  if (verdict.explanation.size() > 4096) std::abort();
  if (!verdict.explanation.empty() && verdict.result != SpfResult::fail) std::abort();
  if ((verdict.lookups > kSpfLookups || verdict.voids > kSpfVoids) &&
      verdict.result != SpfResult::permerror)
    std::abort();
  return 0;
}
