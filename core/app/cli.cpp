// SPDX-License-Identifier: Apache-2.0
#include "app/cli.hpp"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <cstdlib>
#include <exception>
#include <iomanip>
#include <iostream>
#include <optional>
#include <vector>

#include "app/command.hpp"
#include "app/manual.hpp"
#include "base/escape.hpp"
#include "base/log.hpp"

namespace mxferry::app {
namespace {

void print_help(std::ostream& out) {
  out << "mxferry moves an organisation's mail between providers and changes its mail DNS in a "
         "safe order.\n\n"
         "usage: mxferry COMMAND [OPTIONS]     (mxferry COMMAND --help explains one)\n\n";
  for (const auto& command : commands())
    out << "  " << std::left << std::setw(16) << command.name << command.summary << '\n';
  out << "\n  --version       print the version\n  --help          this text\n"
         "  --log-level L   before COMMAND: trace, debug, info, warn or error: what the log file "
         "holds\n";
}

// The longest name in the table that begins the words: "dns records" before "dns".
const Command* find(std::span<const std::string> args, std::size_t& used) {
  const Command* best = nullptr;
  for (const auto& command : commands()) {
    const auto words =
        static_cast<std::size_t>(std::count(command.name.begin(), command.name.end(), ' ')) + 1;
    if (words > args.size() || (best != nullptr && words <= used)) continue;
    std::string typed = args[0];
    for (std::size_t i = 1; i < words; ++i) typed += " " + args[i];
    if (typed == command.name) {
      best = &command;
      used = words;
    }
  }
  return best;
}

}  // namespace

int run(std::span<const std::string> args) {
  // What stands before the command is for all of them.
  const char* named = std::getenv("MXFERRY_LOG_LEVEL");
  std::optional<std::string> level;
  if (named != nullptr) level = named;
  if (!args.empty() && args[0] == "--log-level") {
    level = args.size() > 1 ? args[1] : "";
    args = args.subspan(std::min<std::size_t>(2, args.size()));
  }
  if (level) {
    const auto parsed = log::parse_level(*level);
    if (!parsed)
      return report_error(
          fail(ErrorCode::usage, "--log-level",
               "expected trace, debug, info, warn or error, found \"" + *level + "\"")
              .error());
    log::override_level(*parsed);
  }
  if (args.size() == 2 && args[0] == "help" && args[1] == "--man") {
    std::cout << man_page();
    return static_cast<int>(Exit::done);
  }
  std::vector<std::string> turned;  // help COMMAND: COMMAND --help
  if (args.size() > 1 && args[0] == "help") {
    turned.assign(args.begin() + 1, args.end());
    turned.emplace_back("--help");
    args = turned;
  }
  if (args.empty() || args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    print_help(args.empty() ? std::cerr : std::cout);
    return static_cast<int>(args.empty() ? Exit::usage : Exit::done);
  }
  if (args[0] == "--version" || args[0] == "version") {
    std::cout << "mxferry " << MXFERRY_VERSION << '\n';
    return static_cast<int>(Exit::done);
  }
  std::size_t used = 0;
  const Command* command = find(args, used);
  if (command == nullptr) {
    std::cerr << "mxferry: there is no command \"" << escape_line(args[0])
              << "\"; mxferry --help lists them\n";
    return static_cast<int>(Exit::usage);
  }
  try {
    return command->run(args.subspan(used));
  } catch (const boost::system::system_error& e) {
    if (e.code() != boost::system::errc::too_many_files_open) {
      std::cerr << "mxferry: our own fault: " << escape_line(e.what()) << '\n';
      return static_cast<int>(Exit::fault);
    }
    Error error;
    error.code = ErrorCode::io;
    error.operation = "mxferry " + args[0];
    error.text = "too many open files";
    return report_error(
        error.with_remedy("let the process have more files open (ulimit -n), then run the same "
                          "command again"));
  } catch (const std::exception& e) {
    std::cerr << "mxferry: our own fault: " << escape_line(e.what()) << '\n';
    return static_cast<int>(Exit::fault);
  }
}

}  // namespace mxferry::app
