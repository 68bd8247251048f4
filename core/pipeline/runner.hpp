// SPDX-License-Identifier: Apache-2.0
// The runner: executes a frozen plan. Each step whose predecessors have ended runs as a coroutine;
// its state is durable before and after. Stop it anywhere and the same command goes on. One thread
// (env.main) but for what steps hand to workers.
//
//   pending ──► running ──► done            a mailbox that cannot go on is parked; what follows it
//   counts it as ended
//      ▲           │  └───► waiting         (a time, a person, a gate: why stands in the state)
//      └── killed ─┘  └───► failed, parked
#pragma once

#include "pipeline/env.hpp"

namespace mxferry::pipeline {

struct RunEnd {
  enum class Kind { done, held, waiting, person, failed, stopped };
  Kind kind = Kind::done;
  std::string why{};
  std::string remedy{};
  std::optional<Instant> retry_at{};
  std::optional<Error> error{};
};

/// Runs until everything is done, or nothing more can be done now. On env.main.
Task<RunEnd> run_plan(Env& env);

/// Parked mailboxes and failed or held steps get another try: called once at the start of a run.
Result<void> reopen_steps(RunStore& store, const Plan& plan);

}  // namespace mxferry::pipeline
