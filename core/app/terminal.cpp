// SPDX-License-Identifier: Apache-2.0
#include "app/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/escape.hpp"
#include "base/json_reader.hpp"

namespace mxferry::app {
namespace {

bool stderr_is_terminal() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && (term == nullptr || std::string_view(term) != "dumb");
}

std::size_t columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80U;
}

std::string clock_time(Instant now) { return format_instant(now).substr(11, 8); }

// Words change from second to second ("another 12 s"); what a waiting step says is told once per
// kind.
std::string gist(const std::string& text) {
  std::string out;
  for (const char c : text)
    if (c < '0' || c > '9') out += c;
  return out;
}

}  // namespace

ProgressLine::ProgressLine() : terminal_(stderr_is_terminal()) {}

void ProgressLine::update(const copy::Progress& progress) {
  if (!terminal_) return;
  auto& account = accounts_[progress.account];
  account.done = progress.done;
  account.total = std::max(progress.total, progress.done);
  account.bytes = progress.bytes;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < std::chrono::milliseconds(200)) return;
  last_ = now;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::uint64_t bytes = 0;
  for (const auto& [name, a] : accounts_) {
    done += a.done;
    total += a.total;
    bytes += a.bytes;
  }
  samples_.emplace_back(now, std::pair(done, bytes));
  while (samples_.size() > 2 && now - samples_.front().first > std::chrono::seconds(10))
    samples_.pop_front();
  const double span = std::chrono::duration<double>(now - samples_.front().first).count();
  const double rate =
      span > 0 ? static_cast<double>(done - samples_.front().second.first) / span : 0;
  const double mb =
      span > 0 ? static_cast<double>(bytes - samples_.front().second.second) / span / 1e6 : 0;
  std::array<char, 160> head{};
  std::snprintf(head.data(), head.size(), "%llu/%llu messages  %.0f/s  %.1f MB/s",
                static_cast<unsigned long long>(done), static_cast<unsigned long long>(total), rate,
                mb);
  std::string text = head.data();
  if (rate > 0 && total > done)
    text += "  ETA " + format_duration(Millis(static_cast<std::int64_t>(
                           static_cast<double>(total - done) / rate * 1000)));
  text += "  " + escape_line(progress.account + " " + progress.folder);
  say(text);
}

void ProgressLine::say(const std::string& words) {
  if (!terminal_) return;
  std::string text = escape_line(words);
  const auto width = columns() - 1;
  if (text.size() > width) text.resize(width);
  std::cerr << "\r\x1b[K" << text << std::flush;
  drawn_ = true;
}

void ProgressLine::clear() {
  if (drawn_) std::cerr << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

void TerminalWatcher::step(const Step& step, StepStatus status, const std::string& why) {
  const std::string words = to_string(status) + (status == StepStatus::waiting ? gist(why) : why);
  if (said_[step.id] == words) return;
  said_[step.id] = words;
  if (json_) {
    const Json line = {{"at", format_instant(clock_.now())},
                       {"event", "step"},
                       {"step", step.id},
                       {"stage", to_string(step.stage)},
                       {"state", to_string(status)},
                       {"why", escape_line(why)}};
    std::cout << canonical_json(line) << '\n' << std::flush;
    return;
  }
  if (status == StepStatus::running) return;  // its end is what counts
  line_.clear();
  std::cerr << clock_time(clock_.now()) << "  "
            << (status == StepStatus::done ? "done   " : to_string(status)) << "  "
            << escape_line(step.id) << (why.empty() ? "" : ": " + escape_line(why)) << '\n';
}

void TerminalWatcher::progress(const copy::Progress& progress) { line_.update(progress); }

void TerminalWatcher::note(const std::string& text) {
  if (json_) {
    const Json line = {
        {"at", format_instant(clock_.now())}, {"event", "note"}, {"text", escape_line(text)}};
    std::cout << canonical_json(line) << '\n' << std::flush;
    return;
  }
  line_.clear();
  std::cerr << clock_time(clock_.now()) << "  note     " << escape_line(text) << '\n';
}

}  // namespace mxferry::app
