// SPDX-License-Identifier: Apache-2.0
#include "app/options.hpp"

#include <algorithm>
#include <iostream>
#include <optional>
#include <vector>

#include "app/command.hpp"
#include "base/escape.hpp"

namespace mxferry::app {
namespace po = boost::program_options;

namespace {
std::optional<OptionTable>* collector = nullptr;  // set by command_pages() for one call
}  // namespace

OptionTable plan_file_table(const std::string& command, const std::string& synopsis,
                            const std::string& about) {
  OptionTable table{command, synopsis, about, po::options_description("options")};
  table.hidden.add_options()("file", po::value<std::string>()->required(), "plan.toml");
  table.positional.add("file", 1);
  return table;
}

bool hand_over(const OptionTable& table) {
  if (collector == nullptr) return false;
  collector->emplace(table);
  return true;
}

std::vector<CommandPage> command_pages() {
  std::vector<CommandPage> out;
  const std::string help = "--help";
  const auto collect = [&](const Command& command, const std::string& sub) {
    std::optional<OptionTable> table;
    std::vector<std::string> words;
    if (!sub.empty()) words.push_back(sub);
    words.push_back(help);
    collector = &table;
    command.run(words);
    collector = nullptr;
    if (!table) return;
    std::string name(command.name);
    if (!sub.empty()) name += " " + sub;
    out.push_back({name, std::move(*table)});
  };
  for (const auto& command : commands()) {
    if (command.subcommands == nullptr) collect(command, "");
    if (command.subcommands != nullptr)
      for (const auto& sub : command.subcommands()) collect(command, sub);
  }
  return out;
}

std::variant<po::variables_map, int> read_options(OptionTable& table,
                                                  std::span<const std::string> args) {
  table.options.add_options()("help,h", "print this text");
  if (hand_over(table)) return static_cast<int>(Exit::done);
  po::options_description all;
  all.add(table.options).add(table.hidden);
  po::variables_map values;
  try {
    const std::vector<std::string> words(args.begin(), args.end());
    po::store(po::command_line_parser(words).options(all).positional(table.positional).run(),
              values);
    po::store(po::parse_environment(
                  all,
                  [&](const std::string& name) -> std::string {
                    if (!name.starts_with("MXFERRY_")) return "";
                    std::string option = name.substr(8);
                    std::transform(option.begin(), option.end(), option.begin(),
                                   [](unsigned char c) {
                                     return c == '_' ? '-' : static_cast<char>(std::tolower(c));
                                   });
                    return all.find_nothrow(option, false) != nullptr ? option : "";
                  }),
              values);
    if (values.count("help") != 0) {
      std::cout << "usage: mxferry " << table.command << ' ' << table.synopsis << "\n\n"
                << table.about << "\n\n"
                << table.options;
      return static_cast<int>(Exit::done);
    }
    po::notify(values);
  } catch (const po::error& e) {
    std::cerr << "mxferry " << table.command << ": " << escape_line(e.what())
              << "\n  what to do: mxferry " << table.command << " --help\n";
    return static_cast<int>(Exit::usage);
  }
  return values;
}

}  // namespace mxferry::app
