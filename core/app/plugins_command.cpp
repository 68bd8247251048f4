// SPDX-License-Identifier: Apache-2.0
#include "app/plugins_command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <chrono>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <variant>

#include "app/command.hpp"
#include "app/options.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "base/read_file.hpp"
#include "plugin/check.hpp"
#include "plugin/plugins_lock.hpp"
#include "plugin/registry.hpp"

namespace mxferry::app {
namespace {

namespace po = boost::program_options;
using plugin::CheckResult;
using plugin::Manifest;
using plugin::Registry;

constexpr int kCheckTimeLimit = 45;

struct Options {
  std::string word;  // ID, PATH or FILE
  std::vector<std::string> folders;
  bool json = false;
  bool in_process = false;
  std::uint64_t seed = 1;
  int time_limit = kCheckTimeLimit;
};

struct Subcommand {
  const char* name;
  const char* word;  // what it is given; null: nothing
  const char* about;
  int (*run)(const Options& options);
};

/// The options of a subcommand, or the exit code that it ends with.
std::variant<Options, int> parse(const Subcommand& sub, std::span<const std::string> args) {
  Options out;
  OptionTable table;
  table.command = std::string("plugins ") + sub.name;
  table.synopsis =
      (sub.word == nullptr ? std::string() : std::string(sub.word) + " ") + "[OPTIONS]";
  table.about = sub.about;
  auto add = table.options.add_options();
  add("json", po::bool_switch(&out.json), "print JSON");
  add("plugins", po::value(&out.folders)->composing()->value_name("FOLDER"),
      "look for plugins there too");
  if (std::string_view(sub.name) == "check") {
    add("seed", po::value(&out.seed)->value_name("N"),
        "of the rubbish that the plugin is fed with");
    add("time-limit", po::value(&out.time_limit)->value_name("SECONDS"), "for all checks together");
    table.hidden.add_options()("in-process", po::bool_switch(&out.in_process));
  }
  if (sub.word != nullptr) {
    table.hidden.add_options()("word", po::value(&out.word)->required());
    table.positional.add("word", 1);
  }
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  return out;
}

// Broken manifests are named on stderr; with at least one the command ends with exit 2.
int report_problems(const Registry& registry) {
  for (const auto& problem : registry.problems()) report_error(problem.error);
  return static_cast<int>(registry.problems().empty() ? Exit::done : Exit::usage);
}

Json setting_json(const Manifest& m) {
  Json out = Json::array();
  for (const auto& s : m.config) {
    Json item{{"name", s.name},
              {"type", s.type},
              {"required", s.required},
              {"description", s.description}};
    if (s.fallback) item["default"] = *s.fallback;
    out.push_back(std::move(item));
  }
  return out;
}

int list(const Options& options) {
  const auto registry = Registry::scan(plugin_folders(options.folders));
  if (options.json) {
    Json out = Json::array();
    for (const auto& m : registry.list())
      out.push_back({{"id", m.id},
                     {"kind", plugin::to_string(m.kind)},
                     {"name", m.name},
                     {"version", m.version},
                     {"abi", m.abi},
                     {"library", m.has_library()},
                     {"verified", m.verified},
                     {"sunset", m.sunset},
                     {"file", m.file.string()}});
    std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  } else {
    for (const auto& m : registry.list())
      std::cout << std::left << std::setw(10) << plugin::to_string(m.kind) << std::setw(18)
                << escape_line(m.id) << escape_line(m.name)
                << (m.has_library() ? "" : "  (data only)") << '\n';
    if (registry.list().empty())
      std::cerr << "no plugins in " << Registry::installed_folder().string() << '\n';
  }
  return report_problems(registry);
}

void print_info(const Manifest& m) {
  const auto line = [](const std::string& name, const std::string& value) {
    if (!value.empty())
      std::cout << std::left << std::setw(13) << name << escape_line(value) << '\n';
  };
  line("id", m.id);
  line("name", m.name);
  line("what", m.description);
  line("kind", plugin::to_string(m.kind));
  line("version", m.version);
  line("ABI", m.has_library() ? m.abi : "none: data only");
  line("file", m.file.string());
  line("verified", m.verified);
  line("sunset", m.sunset);
  if (m.kind == plugin::Kind::dns)
    line("writes",
         m.traits.write_model + ", all or nothing per " + m.traits.atomic +
             (m.traits.compare_and_swap ? ", compare-and-swap by the server" : "") +
             (m.traits.min_ttl > 0 ? ", TTL at least " + std::to_string(m.traits.min_ttl) + " s"
                                   : ""));
  for (const auto& s : m.config)
    line("setting", s.name + " (" + s.type + (s.required ? ", required" : "") +
                        (s.fallback ? ", default " + *s.fallback : "") + "): " + s.description);
  for (const auto& s : m.secrets)
    line("secret", s.name + (s.required ? "" : " (optional)") +
                       (s.env.empty() ? "" : ", e.g. env:" + s.env) + ": " + s.description);
  if (m.profile)
    for (const auto& e : m.profile->endpoints)
      line("endpoint", e.protocol + " " + (e.host.empty() ? "(your host)" : e.host) + ":" +
                           std::to_string(e.port) + " " + e.security);
  for (const auto& [title, url] : m.links) line("link", title + ": " + url);
}

int info(const Options& options) {
  const auto registry = Registry::scan(plugin_folders(options.folders));
  const auto* m = registry.find(options.word);
  if (m == nullptr) {
    report_problems(registry);
    return report_error(Error{ErrorCode::config,
                              "plugin " + options.word,
                              "there is no such plugin",
                              {},
                              "mxferry plugins list"});
  }
  if (!options.json) {
    print_info(*m);
    return static_cast<int>(Exit::done);
  }
  const auto text = read_file(m->file.string());
  if (!text) return report_error(text.error());
  auto json = parse_json(*text, m->file.string());
  if (!json) return report_error(json.error());
  (*json)["file"] = m->file.string();
  (*json)["config"] = setting_json(*m);
  std::cout << json->dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  return static_cast<int>(Exit::done);
}

int trust(const Options& options) {
  std::error_code ec;
  const auto path = std::filesystem::absolute(plugin::manifest_of(options.word), ec);
  auto manifest = plugin::read_manifest(path);
  if (!manifest) return report_error(manifest.error());
  if (!manifest->has_library())
    return report_error(Error{ErrorCode::usage, "trust " + manifest->id,
                              "this plugin is data only: nothing to trust"});
  auto digest = plugin::trust_library(manifest->library());
  if (!digest) return report_error(digest.error());
  std::cout << *digest << "  " << manifest->id << "/" << manifest->id << ".so\n";
  std::cerr << "code from " << escape_line(manifest->library().string())
            << " may now run inside mxferry, with everything that mxferry may do\n";
  return static_cast<int>(Exit::done);
}

const char* word_for(CheckResult::Outcome outcome) {
  switch (outcome) {
    case CheckResult::Outcome::passed:
      return "ok";
    case CheckResult::Outcome::warned:
      return "warning";
    case CheckResult::Outcome::failed:
      return "failed";
  }
  return "failed";
}

// The child's side: NDJSON on stdout, {"begin": name}, then {"check", "outcome", "detail"}.
int check_in_process(const Options& options) {
  const bool good = plugin::run_checks(
      options.word, options.seed,
      [](const std::string& name) {
        std::cout << Json{{"begin", name}}.dump() << std::endl;
      },
      [](const CheckResult& r) {
        std::cout << Json{{"check", r.name}, {"outcome", word_for(r.outcome)}, {"detail", r.detail}}
                         .dump(-1, ' ', false, Json::error_handler_t::replace)
                  << std::endl;
      });
  return static_cast<int>(good ? Exit::done : Exit::findings);
}

/// Reads the child's lines, prints them, and knows which check was running when it died.
class CheckPrinter {
 public:
  explicit CheckPrinter(bool json) : json_(json) {}
  void feed(std::string_view bytes) {
    buffer_ += bytes;
    for (std::size_t end = 0; (end = buffer_.find('\n')) != std::string::npos;) {
      line(buffer_.substr(0, end));
      buffer_.erase(0, end + 1);
    }
  }
  void died(const std::string& how) {
    print(running_.empty() ? "it starts" : running_, "failed", how);
    running_.clear();
  }
  bool idle() const { return running_.empty(); }
  int failures() const { return failures_; }

 private:
  void line(const std::string& text) {
    auto parsed = parse_json(text, "plugins check");
    if (!parsed) return;  // a plugin that prints to stdout
    if (auto begin = json_string(*parsed, "begin", "")) {
      running_ = *begin;
      return;
    }
    auto name = json_string(*parsed, "check", "");
    auto outcome = json_string(*parsed, "outcome", "");
    auto detail = json_string(*parsed, "detail", "");
    if (!name || !outcome || !detail) return;
    running_.clear();
    print(*name, *outcome, *detail);
  }
  void print(const std::string& name, const std::string& outcome, const std::string& detail) {
    if (outcome == "failed") ++failures_;
    if (json_) {
      std::cout << Json{{"check", name}, {"outcome", outcome}, {"detail", detail}}.dump() << '\n';
      return;
    }
    std::cout << std::left << std::setw(9) << outcome << escape_line(name) << '\n';
    if (!detail.empty()) std::cout << "         " << escape_line(detail) << '\n';
  }
  bool json_;
  std::string buffer_;
  std::string running_;
  int failures_ = 0;
};

// What is checked is somebody's code: it gets none of the secrets that lie in our environment.
std::vector<std::string> environment_of_check() {
  constexpr std::array<std::string_view, 12> kHandedOn = {
      "PATH=",         "HOME=",         "LANG=",          "LC_",
      "TZ=",           "TMPDIR=",       "TERM=",          "ASAN_OPTIONS=",
      "LSAN_OPTIONS=", "TSAN_OPTIONS=", "UBSAN_OPTIONS=", "GCOV_"};
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view setting = *entry;
    if (std::any_of(kHandedOn.begin(), kHandedOn.end(),
                    [&](std::string_view name) { return setting.starts_with(name); }))
      out.emplace_back(setting);
  }
  return out;
}

int check(const Options& options) {
  if (options.in_process) return check_in_process(options);
  std::array<int, 2> pipe_fds{};
  if (::pipe2(pipe_fds.data(), O_CLOEXEC) != 0)
    return report_error(Error{ErrorCode::io, "plugins check", std::strerror(errno)});
  const std::string seed = std::to_string(options.seed);
  std::vector<std::string> words{"mxferry",      "plugins", "check", options.word,
                                 "--in-process", "--seed",  seed};
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  auto settings = environment_of_check();
  std::vector<char*> envp;
  for (auto& setting : settings) envp.push_back(setting.data());
  envp.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return report_error(Error{ErrorCode::io, "plugins check", std::strerror(errno)});
  if (child == 0) {
    ::dup2(pipe_fds[1], STDOUT_FILENO);
    ::execve("/proc/self/exe", argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(pipe_fds[1]);
  CheckPrinter printer(options.json);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options.time_limit);
  std::array<char, 4096> chunk{};
  bool late = false;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now())
            .count();
    pollfd p{pipe_fds[0], POLLIN, 0};
    const int n = left <= 0 ? 0 : ::poll(&p, 1, static_cast<int>(left));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      late = true;
      ::kill(child, SIGKILL);
      break;
    }
    const auto got = ::read(pipe_fds[0], chunk.data(), chunk.size());
    if (got <= 0) break;
    printer.feed({chunk.data(), static_cast<std::size_t>(got)});
  }
  ::close(pipe_fds[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (late)
    printer.died("it did not come back within " + std::to_string(options.time_limit) + " s");
  else if (WIFSIGNALED(status))
    printer.died(std::string("it crashed: ") + ::strsignal(WTERMSIG(status)));
  else if (!printer.idle() || (WEXITSTATUS(status) > 1))
    printer.died("it ended the process with exit code " + std::to_string(WEXITSTATUS(status)));
  if (printer.failures() > 0) {
    std::cerr << printer.failures() << " of the checks failed; repeat with --seed " << seed << '\n';
    return static_cast<int>(Exit::findings);
  }
  return static_cast<int>(Exit::done);
}

constexpr std::array kSubcommands{
    Subcommand{"list", nullptr, "Lists the plugins that are found, by their plugin.json.", list},
    Subcommand{"info", "ID", "What a plugin is, needs and can do, from its plugin.json.", info},
    Subcommand{"trust", "PATH",
               "Adds the sha256 of a plugin's library to plugins.lock beside the plugin's "
               "folder: without it the code "
               "is not loaded.",
               trust},
    Subcommand{"check", "FILE",
               "Checks a plugin (its plugin.json, folder or library) in a process of its own: "
               "one sentence per check.",
               check},
};

}  // namespace

std::vector<std::filesystem::path> plugin_folders(const std::vector<std::string>& more) {
  std::vector<std::filesystem::path> out{Registry::installed_folder()};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

std::vector<std::string> plugins_subcommands() {
  std::vector<std::string> out;
  for (const auto& sub : kSubcommands) out.emplace_back(sub.name);
  return out;
}

int plugins_command(std::span<const std::string> args) {
  std::string names;
  for (const auto& sub : kSubcommands) {
    if (!args.empty() && args[0] == sub.name) {
      auto options = parse(sub, args.subspan(1));
      if (const int* exit = std::get_if<int>(&options)) return *exit;
      return sub.run(std::get<Options>(options));
    }
    names += std::string(names.empty() ? "" : " | ") + sub.name;
  }
  const bool help = !args.empty() && (args[0] == "--help" || args[0] == "-h");
  (help ? std::cout : std::cerr) << "usage: mxferry plugins " << names
                                 << "     (mxferry plugins list --help explains one)\n";
  return static_cast<int>(help ? Exit::done : Exit::usage);
}

}  // namespace mxferry::app
