// SPDX-License-Identifier: Apache-2.0
#include "app/options.hpp"

#include <algorithm>
#include <iostream>
#include <vector>

#include "app/command.hpp"
#include "base/escape.hpp"

namespace mxferry::app {
namespace po = boost::program_options;

std::variant<po::variables_map, int> read_options(OptionTable& table,
                                                  std::span<const std::string> args) {
  table.options.add_options()("help,h", "print this text");
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
