// SPDX-License-Identifier: Apache-2.0
// What is made from the option tables: the man page (that the committed one is this one is tested
// by scripts/docs --check) and completions, as the shells take them.
#include <gtest/gtest.h>

#include "support/lab_server.hpp"

namespace mxferry::test {
namespace {

const std::string kProgram = MXF_BINARY_DIR "/bin/mxferry";

std::string run(const std::string& command) {
  std::string output;
  EXPECT_TRUE(run_shell(command, &output)) << command << output;
  return output;
}

TEST(Manual, NamesEveryCommandOptionAndExitCode) {
  const auto page = run(kProgram + " help --man");
  for (const auto* text : {"mxferry run FILE", "mxferry sync \\-\\-source", "mxferry dns records",
                           "mxferry dns restore", "mxferry plugins check", "\\-\\-time\\-scale",
                           "\\-\\-source\\-secret", ".SH EXIT STATUS", ".B 70", ".SH FILES"})
    EXPECT_NE(page.find(text), std::string::npos) << text;
  if (run_shell("command -v groff")) {
    EXPECT_EQ(run(kProgram + " help --man | groff -man -ww -Tutf8 2>&1 >/dev/null"), "");
  }
}

TEST(Manual, HelpOfACommandIsItsHelp) {
  EXPECT_EQ(run(kProgram + " help dns apply"), run(kProgram + " dns apply --help"));
}

TEST(Completion, OfBashKnowsCommandsSubcommandsAndOptions) {
  const auto complete = [](const std::string& words, int at) {
    return run("bash -c 'source <(" + kProgram + " completion bash); COMP_WORDS=(" + words +
               "); COMP_CWORD=" + std::to_string(at) + "; _mxferry; echo \"${COMPREPLY[*]}\"'");
  };
  EXPECT_EQ(complete("mxferry roll", 1), "rollback\n");
  EXPECT_EQ(complete("mxferry dns re", 2), "records restore\n");
  EXPECT_EQ(complete("mxferry dns apply --zo", 3), "--zone\n");
  EXPECT_EQ(complete("mxferry run plan.toml --no", 3), "--no-wait\n");
  EXPECT_EQ(complete("mxferry sync --source-s", 2), "--source-secret\n");
}

TEST(Completion, OfTheOtherShellsParsesWhereTheyAreInstalled) {
  for (const std::string shell : {"zsh", "fish"}) {
    const auto text = run(kProgram + " completion " + shell);
    EXPECT_NE(text.find("time-scale"), std::string::npos);
    if (run_shell("command -v " + shell)) {
      run(kProgram + " completion " + shell + " >/tmp/mxf-completion-$$ && " + shell +
          " -n /tmp/mxf-completion-$$; r=$?; rm -f /tmp/mxf-completion-$$; exit $r");
    }
  }
  std::string output;
  EXPECT_FALSE(run_shell(kProgram + " completion tcsh", &output));
  EXPECT_NE(output.find("expected bash, zsh or fish"), std::string::npos) << output;
}

}  // namespace
}  // namespace mxferry::test
