// SPDX-License-Identifier: Apache-2.0
#include "app/manual.hpp"

#include <algorithm>
#include <array>
#include <iostream>
#include <sstream>

#include "app/command.hpp"
#include "app/options.hpp"
#include "base/escape.hpp"

namespace mxferry::app {
namespace po = boost::program_options;
namespace {

struct Named {
  std::string_view name, meaning;
};

// docs/operate/exit-codes.md says more.
constexpr std::array kExitCodes = {
    Named{"0", "done, and where it applies verified"},
    Named{"1", "done, with findings of at least warning that the plan does not accept"},
    Named{"2", "the command line or a file is wrong; nothing was connected to"},
    Named{"3", "a server refused the credentials, or they do not permit it"},
    Named{"4", "a server or the network failed, after retries"},
    Named{"5", "interrupted, or a local resource failed; the same command goes on"},
    Named{"6", "refused by a safety gate, or another process acts on the same state"},
    Named{"7", "something must be waited for; retry_at in the JSON says until when"},
    Named{"8", "a person must do something, usually mxferry approve"},
    Named{"70", "mxferry's own fault"},
};

constexpr std::array kFiles = {
    Named{"plan.toml", "what is to be moved, from where to where; it names mailboxes.csv"},
    Named{"$XDG_STATE_HOME/mxferry/ID/state.db",
          "what a migration has done (default of XDG_STATE_HOME: ~/.local/state); --state names "
          "another file"},
    Named{"$XDG_STATE_HOME/mxferry/dns.snapshots/ZONE/",
          "the snapshot and journal of each mxferry dns apply that was named no file"},
    Named{"run.log", "beside the state: JSON lines, rotated at 64 MiB, five kept"},
    Named{"report/", "beside the state: report.html, report.json, mailboxes.csv"},
    Named{"BIN/../lib/mxferry/plugins",
          "plugins, and plugins.lock with the sha256 of those whose code is trusted"},
};

constexpr std::array kEnvironment = {
    Named{"MXFERRY_NAME",
          "stands in for the option --name of a command that takes a plan or a "
          "zone; the command line wins"},
    Named{"MXFERRY_LOG_LEVEL", "trace, debug, info, warn or error, as --log-level"},
    Named{"XDG_STATE_HOME", "where states lie"},
    Named{"SSL_CERT_FILE",
          "the CA certificates that servers must be certified by, where a plan or "
          "an option names none"},
    Named{"TERM", "dumb: no progress line"},
};

// roff: a line must not begin with a control character, a backslash and a minus are spelled out.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : escape_line(text)) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  if (!out.empty() && (out.front() == '.' || out.front() == '\'')) out.insert(0, "\\&");
  return out;
}

std::string long_flag(const po::option_description& option) { return "--" + option.long_name(); }

// "-o", or empty.
std::string short_flag(const po::option_description& option) {
  const auto name = option.canonical_display_name(po::command_line_style::allow_dash_for_short);
  return name.size() == 2 && name[0] == '-' ? name : std::string();
}

// "URL" of `value_name("URL")`; empty for a switch.
std::string value_of(const po::option_description& option) {
  if (option.semantic()->max_tokens() == 0) return "";
  auto name = option.semantic()->name();
  name = name.substr(0, name.find(' '));
  while (!name.empty() && (name.front() == '[' || name.front() == '(')) name.erase(0, 1);
  return name == "arg" || name.empty() ? "VALUE" : name;
}

void options_of(std::ostream& out, const OptionTable& table) {
  for (const auto& option : table.options.options()) {
    out << ".TP\n";
    const auto brief = short_flag(*option);
    const auto value = value_of(*option);
    out << ".B " << (brief.empty() ? "" : roff(brief) + ", ") << roff(long_flag(*option));
    if (!value.empty()) out << " \\fI" << roff(value) << "\\fR";
    out << '\n' << roff(option->description()) << '\n';
  }
}

template <std::size_t N>
void list(std::ostream& out, const std::array<Named, N>& entries) {
  for (const auto& entry : entries)
    out << ".TP\n.B " << roff(entry.name) << '\n' << roff(entry.meaning) << '\n';
}

// --- Completions ---

std::string without(std::string text, std::string_view forbidden) {
  std::erase_if(text, [&](char c) { return forbidden.find(c) != std::string_view::npos; });
  return text;
}

std::string flags_of(const CommandPage& page) {
  std::string out;
  for (const auto& option : page.table.options.options())
    out += (out.empty() ? "" : " ") + long_flag(*option);
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string bash_completion() {
  std::ostringstream out;
  out << "# bash completion of mxferry; written by: mxferry completion bash\n"
         "_mxferry() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} first= second= words= i\n"
         "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
         "      -*) ;;\n"
         "      *) if [[ -z $first ]]; then first=${COMP_WORDS[i]}\n"
         "         elif [[ -z $second ]]; then second=${COMP_WORDS[i]}; fi ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$first${second:+ $second}\" in\n"
         "    \"\") words=\"";
  for (const auto& command : commands()) out << command.name << ' ';
  out << "help --help --version --log-level\" ;;\n";
  for (const auto& command : commands())
    if (command.subcommands != nullptr)
      out << "    \"" << command.name << "\") words=\"" << joined(command.subcommands())
          << " --help\" ;;\n";
  for (const auto& page : command_pages())
    out << "    \"" << page.name << "\" | \"" << page.name << " \"*) words=\"" << flags_of(page)
        << "\" ;;\n";
  out << "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "}\n"
         "complete -o default -F _mxferry mxferry\n";
  return out.str();
}

std::string zsh_completion() {
  std::ostringstream out;
  out << "#compdef mxferry\n"
         "# zsh completion of mxferry; written by: mxferry completion zsh\n"
         "_mxferry() {\n"
         "  local -a choices\n"
         "  if ((CURRENT == 2)); then\n"
         "    choices=(\n";
  for (const auto& command : commands())
    out << "      '" << command.name << ':' << without(std::string(command.summary), "':\\")
        << "'\n";
  out << "    )\n"
         "    _describe command choices\n"
         "    return\n"
         "  fi\n"
         "  case \"$words[2]\" in\n";
  const auto pages = command_pages();
  const auto arguments = [&](const CommandPage& page, const std::string& indent) {
    out << indent << "_arguments \\\n";
    for (const auto& option : page.table.options.options()) {
      const auto value = value_of(*option);
      out << indent << "  '" << long_flag(*option) << '['
          << without(option->description(), "'[]:\\") << ']'
          << (value.empty() ? "" : ":" + value + ":_files") << "' \\\n";
    }
    out << indent << "  '*:file:_files' ;;\n";
  };
  for (const auto& command : commands()) {
    out << "    " << command.name << ")\n";
    const std::string prefix = std::string(command.name) + " ";
    if (command.subcommands == nullptr) {
      for (const auto& page : pages)
        if (page.name == command.name) arguments(page, "      ");
      continue;
    }
    out << "      if ((CURRENT == 3)); then\n        choices=(" << joined(command.subcommands())
        << ")\n        _describe subcommand choices\n        return\n      fi\n"
           "      case \"$words[3]\" in\n";
    for (const auto& page : pages)
      if (page.name.starts_with(prefix)) {
        out << "        " << page.name.substr(prefix.size()) << ")\n";
        arguments(page, "          ");
      }
    out << "      esac ;;\n";
  }
  out << "  esac\n}\n_mxferry \"$@\"\n";
  return out.str();
}

std::string fish_completion() {
  std::ostringstream out;
  out << "# fish completion of mxferry; written by: mxferry completion fish\n";
  for (const auto& command : commands()) {
    out << "complete -c mxferry -n __fish_use_subcommand -f -a " << command.name << " -d '"
        << without(std::string(command.summary), "'\\") << "'\n";
    if (command.subcommands == nullptr) continue;
    const auto names = joined(command.subcommands());
    out << "complete -c mxferry -n '__fish_seen_subcommand_from " << command.name
        << "; and not __fish_seen_subcommand_from " << names << "' -f -a '" << names << "'\n";
  }
  for (const auto& page : command_pages()) {
    std::string seen = "__fish_seen_subcommand_from " + page.name;
    if (const auto blank = page.name.find(' '); blank != std::string::npos)
      seen = "__fish_seen_subcommand_from " + page.name.substr(0, blank) +
             "; and __fish_seen_subcommand_from " + page.name.substr(blank + 1);
    for (const auto& option : page.table.options.options())
      out << "complete -c mxferry -n '" << seen << "' -l " << option->long_name()
          << (value_of(*option).empty() ? "" : " -r") << " -d '"
          << without(option->description(), "'\\") << "'\n";
  }
  return out.str();
}

}  // namespace

std::string man_page() {
  std::ostringstream out;
  out << ".\\\" Written by: mxferry help --man (scripts/docs)\n"
         ".TH MXFERRY 1 \"\" \"mxferry " MXFERRY_VERSION
         "\" \"User Commands\"\n"
         ".SH NAME\n"
         "mxferry \\- moves an organisation's mail between providers and changes its mail DNS\n"
         ".SH SYNOPSIS\n"
         ".B mxferry\n"
         "[\\fB\\-\\-log\\-level\\fR \\fILEVEL\\fR] \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
         ".SH DESCRIPTION\n"
         "mxferry copies mailboxes by IMAP and changes a domain's MX, SPF and client records in an "
         "order in which no mail is lost: TTLs are lowered and waited out, the copies are verified "
         "and brought up to date, then the MX is flipped and the old side is watched for "
         "stragglers.\nData goes to stdout, words for people to stderr.\n"
         ".PP\n"
         "Nothing secret stands on the command line: a secret is named by a reference, "
         "\\fBenv:\\fINAME\\fR or \\fBfile:\\fIPATH\\fR.\n"
         ".SH COMMANDS\n";
  for (const auto& page : command_pages()) {
    out << ".SS " << roff("mxferry " + page.name + " " + page.table.synopsis) << '\n'
        << roff(page.table.about) << '\n';
    options_of(out, page.table);
  }
  out << ".SH EXIT STATUS\n";
  list(out, kExitCodes);
  out << ".SH SIGNALS\nSIGINT and SIGTERM end a command within 5 seconds with exit status 5; the "
         "same command goes on.\nSIGHUP and SIGPIPE end nothing.\n"
         ".SH FILES\n";
  list(out, kFiles);
  out << ".SH ENVIRONMENT\n";
  list(out, kEnvironment);
  out << "Proxy variables and SSLKEYLOGFILE are ignored.\n";
  return out.str();
}

int completion_command(std::span<const std::string> args) {
  std::string shell;
  OptionTable table{"completion", "bash|zsh|fish",
                    "Prints completions for a shell, made from the options of all commands. For "
                    "bash: source <(mxferry completion bash)",
                    po::options_description("options")};
  table.hidden.add_options()("shell", po::value(&shell)->required());
  table.positional.add("shell", 1);
  const auto read = read_options(table, args);
  if (const int* end = std::get_if<int>(&read)) return *end;
  if (shell == "bash") {
    std::cout << bash_completion();
  } else if (shell == "zsh") {
    std::cout << zsh_completion();
  } else if (shell == "fish") {
    std::cout << fish_completion();
  } else {
    return report_error(fail(ErrorCode::usage, "completion",
                             "expected bash, zsh or fish, found \"" + escape_line(shell) + "\"")
                            .error());
  }
  return static_cast<int>(Exit::done);
}

}  // namespace mxferry::app
