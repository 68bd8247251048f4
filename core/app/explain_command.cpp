// SPDX-License-Identifier: Apache-2.0
#include "app/explain_command.hpp"

#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/options.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "model/finding_catalog.hpp"

namespace mxferry::app {
namespace {

namespace po = boost::program_options;

Json to_json(const FindingEntry& entry) {
  return {{"id", entry.id},
          {"severity", entry.severity},
          {"title", entry.title},
          {"why", entry.why},
          {"what_to_do", entry.what_to_do}};
}

// Lines of at most 96 characters, indented by two.
std::string wrapped(std::string_view text) {
  std::string out = " ";
  std::size_t width = 1;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (width + word.size() + 1 > 96) {
      out += "\n ";
      width = 1;
    }
    out += ' ';
    out += word;
    width += word.size() + 1;
  }
  return out + "\n";
}

}  // namespace

int explain_command(std::span<const std::string> args) {
  std::string id;
  bool json = false;
  bool markdown = false;
  OptionTable table;
  table.command = "explain";
  table.synopsis = "[ID] [--json]";
  table.about = "Says what a finding such as MX-01 means and what to do about it.";
  table.options.add_options()("json", po::bool_switch(&json), "print JSON");
  table.hidden.add_options()("id", po::value(&id))("markdown", po::bool_switch(&markdown));
  table.positional.add("id", 1);
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  if (markdown) {  // scripts/docs
    std::cout << finding_catalog_page();
    return static_cast<int>(Exit::done);
  }
  if (id.empty()) {
    Json all = Json::array();
    for (const auto& entry : finding_catalog()) {
      if (json)
        all.push_back(to_json(entry));
      else
        std::cout << std::left << std::setw(8) << entry.id << std::setw(16) << entry.severity
                  << entry.title << '\n';
    }
    if (json) std::cout << all.dump(2) << '\n';
    return static_cast<int>(Exit::done);
  }
  const auto* entry = find_finding(id);
  if (entry == nullptr) {
    auto error =
        fail(ErrorCode::usage, "explain", "there is no finding " + escape_line(id)).error();
    return report_error(error.with_remedy("mxferry explain lists them"));
  }
  if (json)
    std::cout << to_json(*entry).dump(2) << '\n';
  else
    std::cout << entry->id << " (" << entry->severity << "): " << entry->title << "\n\n"
              << wrapped(entry->why) << "\n  What to do:\n"
              << wrapped(entry->what_to_do);
  return static_cast<int>(Exit::done);
}

}  // namespace mxferry::app
