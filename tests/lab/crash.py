#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that a copy may be stopped anywhere: whatever happens to `mxferry sync` between two real servers, the next run ends
equal: nothing lost, nothing twice, and the source as it was. Judged by a look at both mailboxes over raw sockets (folders;
SHA-256, instant and flags of each message, with multiplicity) and by `mxferry verify --json`.

    crash.py --mxferry PROGRAM [--recorder LIBRARY] [--dir DIR] [--seed N] [--only REGEX] [--sample N] [--workers N] [--keep]

Kinds of cases, by their names:
    kill    SIGKILL after each durable step (each point of core/base/crash_point.hpp, and each transaction), as a run that
            nobody kills lists them; with and without MULTIAPPEND and UIDPLUS
    cut     the connection to the source or to the destination is cut at each step of the protocol (cutting_proxy.py)
    late    the client is cut off, and the last octets of an APPEND reach the server 5 s later; perhaps mxferry is killed then
    living  a client appends, flags, expunges and moves mail of the source during the copy
    lanes   SIGKILL while several pairs of connections copy folders side by side
    state   the state's disk, file and lock fail (state_faults.py)
--sample N: so many of each kind (of kill and cut: of each variant), drawn by the seed. One line a case; exit 0 if all hold, 1 if
one does not, 77 where it cannot run. Python's standard library only.
"""

import argparse
import collections
import concurrent.futures
import os
import random
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash_lab  # noqa: E402
import state_faults  # noqa: E402
from crash_lab import Case, Mxferry, look, message, sample  # noqa: E402
from cutting_proxy import Cut, Proxy  # noqa: E402

# What the destination does not offer.
VARIANTS = {"multi+uidplus": [], "multi": ["UIDPLUS"], "single+uidplus": ["MULTIAPPEND"], "single": ["MULTIAPPEND", "UIDPLUS"]}
LATE = 5.0
LIVING = 24
LANES = 100
ACCOUNTS = 2500


def proxy_to(lab, side, **more):
    server = getattr(lab, side)
    return Proxy(lab.options.address.replace(".71.", ".72.") + "1", (server.address, 143), **more)


def first_then_again(one, lab, expected, **how):
    """A run that something happens to, then one that must end well; both judges."""
    code, _, words = one.run(**how)
    problems = [] if code in expected else [f"the first run: exit {code}, expected {expected}: {words.strip()[-300:]}"]
    more, did = one.again()
    return problems + more, f"first run ends with {code}; {did}"


# --- kill ---------------------------------------------------------------------------------------------------------------

def kill_case(variant, point, occurrence):
    def run(lab, number):
        proxy = proxy_to(lab, "dest", without=VARIANTS[variant])
        one = Mxferry(lab, number, dest_port=proxy.port)
        problems, words = first_then_again(one, lab, (-9,), environment={"MXFERRY_DEBUG_KILL_AT": f"{point}:{occurrence}"})
        return problems + one.judge(lab.mail), words
    return Case(f"kill {variant} {point}:{occurrence}", run)


def lanes_case(point, occurrence):
    def run(lab, number):
        one = Mxferry(lab, number, source="wide")
        # In what order lanes come to a point differs from run to run: it may be passed less often than it was listed.
        problems, words = first_then_again(one, lab, (-9, 0), environment={"MXFERRY_DEBUG_KILL_AT": f"{point}:{occurrence}"})
        return problems + one.judge(lab.wide_mail), words
    return Case(f"lanes {point}:{occurrence}", run)


def points_passed(lab, number, variant, source="source"):
    """Of a run that nobody kills: (point, occurrence), in order."""
    proxy = proxy_to(lab, "dest", without=VARIANTS[variant])
    one = Mxferry(lab, number, source=source, dest_port=proxy.port)
    path = os.path.join(one.folder, "points")
    code, _, words = one.run(environment={"MXFERRY_DEBUG_POINTS": path})
    problems = one.judge(lab.mail if source == "source" else lab.wide_mail)
    if code != 0 or problems:
        raise RuntimeError(f"the run that nobody kills ({variant}): exit {code}: {words} {problems}")
    seen, out = collections.Counter(), []
    with open(path, encoding="ascii") as file:
        for line in file:
            seen[line.strip()] += 1
            out.append((line.strip(), seen[line.strip()]))
    return out


# --- cut and late -------------------------------------------------------------------------------------------------------

def cut_case(side, variant, step, name):
    def run(lab, number):
        proxy = proxy_to(lab, side, without=VARIANTS[variant] if side == "dest" else (), at={step: Cut()})
        one = Mxferry(lab, number, **{side + "_port": proxy.port})
        problems, words = first_then_again(one, lab, (0, 4))
        if len(proxy.steps) < step:
            problems.append(f"only {len(proxy.steps)} steps: nothing was cut")
        return problems + one.judge(lab.mail), words
    return Case(f"cut {side} {variant} step {step} ({name})", run)


def late_case(variant, occurrence, kill):
    def run(lab, number):
        process = []
        proxy = proxy_to(lab, "dest", without=VARIANTS[variant],
                         at={("end of APPEND", occurrence): Cut(late=LATE, kill=(lambda: process[0].kill()) if kill else None)})
        one = Mxferry(lab, number, dest_port=proxy.port)
        process.append(one.start())
        _, words = process[0].communicate(timeout=180)
        code = process[0].returncode
        problems = [] if code in ((-9,) if kill else (0, 4)) else [f"the first run: exit {code}: {words.strip()[-300:]}"]
        more, did = one.again()
        if not proxy.late:
            problems.append("nothing came late")
        proxy.settle()
        return problems + more + one.judge(lab.mail), f"first run ends with {code}; {did}"
    return Case(f"late {variant} APPEND {occurrence}{' killed' if kill else ''}", run)


def steps_passed(lab, number, side, variant):
    proxy = proxy_to(lab, side, without=VARIANTS[variant] if side == "dest" else ())
    one = Mxferry(lab, number, **{side + "_port": proxy.port})
    code, _, words = one.run()
    if code != 0:
        raise RuntimeError(f"the run that nobody cuts ({side}, {variant}): exit {code}: {words}")
    return list(enumerate(proxy.steps, 1))


# --- living -------------------------------------------------------------------------------------------------------------

class Owner:
    """Who uses the source mailbox while it is copied: one change at each of the chosen steps of the protocol."""

    def __init__(self, lab, user, seed, steps):
        self.seeded = random.Random(seed)
        self.box = lab.source.login(user)
        self.folders = {short: wire for wire, short in self.box.folders()}
        self.at = set(self.seeded.sample(range(5, steps), 14))
        self.done, self.removed, self.lock = [], collections.Counter(), threading.Lock()

    def on_step(self, number, _):
        if number in self.at:
            with self.lock:
                self.change()

    def some_message(self, folder):
        """(UID, SHA-256) of one that has no twin."""
        mail = list(self.box.mail(self.folders[folder], folder))
        count = collections.Counter(one.sha256 for one in mail)
        single = [one for one in mail if count[one.sha256] == 1]
        return self.seeded.choice(single) if single else None

    def change(self):
        act = self.seeded.choice(["append", "append", "flag", "flag", "unflag", "expunge", "move", "move"])
        folder = self.seeded.choice(sorted(self.folders))
        if act == "append":
            raw = message(f"new-{len(self.done)}-{self.seeded.random()}")
            self.box.append(self.folders[folder], raw, self.seeded.choice([(), ("\\Seen",), ("$Label1",)]), crash_lab.DATE % 59)
        else:
            one = self.some_message(folder)
            if one is None:
                return
            self.box.do("SELECT " + self.box.quoted(self.folders[folder]))
            if act in ("flag", "unflag"):
                flag = self.seeded.choice(["\\Seen", "\\Flagged", "$Label1"])
                self.box.do(f"UID STORE {one.uid} {'+' if act == 'flag' else '-'}FLAGS ({flag})")
            elif act == "expunge":
                self.box.do(f"UID STORE {one.uid} +FLAGS (\\Deleted)")
                self.box.do(f"UID EXPUNGE {one.uid}")
                self.removed[folder, one.sha256] += 1
            else:
                to = self.seeded.choice(sorted(name for name in self.folders if name != folder))
                self.box.do(f"UID MOVE {one.uid} {self.box.quoted(self.folders[to])}")
                self.removed[folder, one.sha256] += 1
        self.done.append(act)


def living_case(index, seed, steps):
    def run(lab, number):
        user = lab.source_of(number)
        owner = Owner(lab, user, seed, steps)
        proxy = proxy_to(lab, "source", on_step=owner.on_step)
        one = Mxferry(lab, number, source=user, source_port=proxy.port)
        problems, words = first_then_again(one, lab, (0, 1))
        if len(owner.done) < 5:
            problems.append(f"only {len(owner.done)} changes were made")
        wanted = look(lab.source.login(user))
        # What left a folder of the source may still be in that folder of the destination: nothing is deleted there.
        found = look(lab.dest.login(one.dest)) - wanted
        may_stay = [key for key, count in found.items() if key[1] and count <= owner.removed[key[:2]]]
        made = ", ".join(f"{count} {what}" for what, count in sorted(collections.Counter(owner.done).items()))
        return problems + one.judge(wanted, may_stay), f"{made}; {words}"
    return Case(f"living {index}", run)


# --- All ----------------------------------------------------------------------------------------------------------------

CUTS = [("dest", "multi+uidplus"), ("dest", "single"), ("source", "multi+uidplus")]


def cases_of(lab, seeded):
    size, spare = lab.options.sample, iter(range(ACCOUNTS - 1, 0, -1))
    with concurrent.futures.ThreadPoolExecutor() as pool:  # runs that nobody disturbs, to learn what there is
        points = {variant: pool.submit(points_passed, lab, next(spare), variant) for variant in VARIANTS}
        wide = pool.submit(points_passed, lab, next(spare), "multi+uidplus", "wide")
        steps = {cut: pool.submit(steps_passed, lab, next(spare), *cut) for cut in CUTS}
    kills, cuts, lates, living, states = [], [], [], [], []
    for variant in VARIANTS:
        kills += sample(seeded, [kill_case(variant, *point) for point in points[variant].result()], size)
    for side, variant in CUTS:
        passed = steps[side, variant].result()
        cuts += sample(seeded, [cut_case(side, variant, *step) for step in passed], size)
        if side == "dest":
            # By their number: what is a step before and what behind one differs from run to run.
            appends = sum(name == "end of APPEND" for _, name in passed)
            lates += [late_case(variant, one, kill) for one in range(1, appends + 1) for kill in (False, True)]
        else:
            living = [living_case(index, seeded.random(), len(passed)) for index in range(LIVING)]
    if lab.options.recorder:
        lab.options.recorder = os.path.abspath(lab.options.recorder)
        for cases in state_faults.kinds(lab, seeded, next(spare)):
            states += sample(seeded, cases, size)
    kills += sample(seeded, [lanes_case(*point) for point in wide.result()], LANES if size is None else size)
    return kills + cuts + sample(seeded, lates, size) + sample(seeded, living, size) + states


def main():
    parser = argparse.ArgumentParser(prog="crash", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    crash_lab.options_of(parser, "crash")
    parser.add_argument("--recorder", help="the library that disk_recorder.cpp makes; without it no `state`")
    parser.add_argument("--sample", type=int, help="so many cases of each kind and variant (default: all)")
    return crash_lab.main(parser, cases_of, ACCOUNTS)


if __name__ == "__main__":
    sys.exit(main())
