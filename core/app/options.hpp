// SPDX-License-Identifier: Apache-2.0
// Reading a command's options with Boost.Program_options: --help prints the table, a mistake is
// exit 2 with the remedy, MXFERRY_NAME in the environment stands in for --name. Main thread.
#pragma once

#include <boost/program_options.hpp>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace mxferry::app {

struct OptionTable {
  std::string command;   // "run"
  std::string synopsis;  // "FILE [OPTIONS]"
  std::string about;     // two or three sentences
  boost::program_options::options_description options;
  boost::program_options::positional_options_description positional{};
  boost::program_options::options_description hidden{};  // what the positional words are called
};

/// The table of a command that works on a plan file, which must be named.
OptionTable plan_file_table(const std::string& command, const std::string& synopsis,
                            const std::string& about);

/// What a command's --help would print, for the man page and completions.
struct CommandPage {
  std::string name;  // "dns records"
  OptionTable table;
};
/// The pages of all commands and subcommands, in the order of the help. Main thread, nothing is
/// run.
std::vector<CommandPage> command_pages();

/// While command_pages() collects, hands the table over and gives true: the command ends there.
bool hand_over(const OptionTable& table);

/// The values, or the exit code that the command ends with (0 after --help, 2 after a mistake).
std::variant<boost::program_options::variables_map, int> read_options(
    OptionTable& table, std::span<const std::string> args);

}  // namespace mxferry::app
