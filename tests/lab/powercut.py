#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that a power cut costs nothing. `mxferry sync` and `mxferry backup` run on a recorded disk (disk_recorder.cpp) and are
killed at a random act (every other time one before an fsync); then the folder of the state, or of the backup, is rebuilt as a power cut could have left it: what was not
synced is kept, dropped, torn at 512 or 4096 octets, or reordered (torn_disk.py). The destination is as it was at that moment. The
next run ends equal: nothing lost, nothing twice; of a backup `backup --check` holds, and a look at its files and manifests
of its own. In a third of the cases the second run is cut off, too.

    powercut.py --mxferry PROGRAM --recorder LIBRARY [--points N] [--dir DIR] [--seed N] [--only REGEX] [--workers N] [--keep]

One line a point; exit 0 if all hold, 1 if one does not, 77 where it cannot run. Python's standard library only.
"""

import argparse
import calendar
import collections
import hashlib
import json
import os
import random
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash_lab  # noqa: E402
from crash_lab import Case, Mxferry, difference  # noqa: E402
from rawimap import MONTHS  # noqa: E402
from torn_disk import TornDisk, read_log  # noqa: E402

ACCOUNTS = 1100


class Recorded:
    """`mxferry` on a recorded folder: a sync, whose state lies in it, or a backup, which is it."""

    def __init__(self, lab, number, command):
        self.one, self.lab, self.command = Mxferry(lab, number), lab, command
        self.root = os.path.join(os.path.realpath(self.one.folder), "disk")
        os.mkdir(self.root, 0o700)
        self.log = os.path.join(self.one.folder, "log")
        if command == "sync":
            self.one.state = os.path.join(self.root, "state.db")

    def argv(self):
        if self.command == "sync":
            return self.one.argv("sync")
        return [self.lab.program, "backup", *self.one.ends, "--to", self.root, "--json"]

    def run(self, **disk):
        environment = {"MXF_DISK_" + key.upper(): str(value) for key, value in disk.items()}
        if disk:
            environment.update(LD_PRELOAD=self.lab.options.recorder, MXF_DISK_ROOTS=self.root, MXF_DISK_LOG=self.log)
        return self.one.run(argv=self.argv(), environment=environment)

    def acts(self):
        """The acts of a run that nobody ends."""
        code, _, words = self.run(stop=0)
        if code != 0:
            raise RuntimeError(f"the {self.command} that nobody ends: exit {code}: {words}")
        return [act.kind for act in read_log(self.log) if act.kind != "open"]

    def cut_at(self, act, seeded):
        """Runs until that act; the power goes. What happened, in words."""
        disk = TornDisk(self.root)
        code, _, _ = self.run(stop=act)
        if code not in (-9, 0):
            return None, f"exit {code} at act {act}"
        disk.play(self.log)
        told = disk.cut(seeded)
        disk.rebuild()
        return code, told

    def judge(self):
        if self.command == "sync":
            return self.one.judge(self.lab.mail)
        code, told, words = self.one.run(argv=[self.lab.program, "backup", "--to", self.root, "--check", "--json"])
        problems = [] if code == 0 else [f"backup --check: exit {code}: {told or words}"]
        return problems + difference(self.lab.mail, look_at_backup(self.root), "the backup")


def look_at_backup(root):
    """What a reader of its files finds, without any code of mxferry."""
    out, folders = collections.Counter(), {}
    for line in lines(os.path.join(root, "mxferry-folders.jsonl"))[1:]:
        folders[plain(line["folder"])] = line["directory"]
    for wire, directory in folders.items():
        short = wire.replace("\x1f", "/")
        out[short, None, None, None] += 1
        folder, mail = os.path.join(root, directory), {}
        for line in lines(os.path.join(folder, "mxferry-manifest.jsonl"))[1:]:
            if "removed" in line:
                del mail[line["uid"]]
            else:
                mail.setdefault(line["uid"], {}).update(line)
        for name in os.listdir(os.path.join(folder, "cur")):
            uid = int(re.search(r"\.U(\d+)\.mxferry,", name).group(1))
            with open(os.path.join(folder, "cur", name), "rb") as file:
                found = hashlib.sha256(file.read()).hexdigest()
            line = mail.pop(uid, {"date": None, "flags": ["of no line"]})
            out[short, found, instant(line["date"]), tuple(sorted(map(plain, line["flags"])))] += 1
        for uid in mail:
            out[short, f"no file of UID {uid}", None, None] += 1
    return out


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def plain(text):
    """Octets that are no text stand there as \\xNN, the backslash doubled."""
    return re.sub(r"\\(\\|x[0-9a-f]{2})", lambda m: "\\" if m.group(1) == "\\" else chr(int(m.group(1)[1:], 16)), text)


def instant(date):
    if date is None:
        return None
    day, month, year, hour, minute, second, sign, zh, zm = re.match(
        r"([ \d]\d)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", date).groups()
    return calendar.timegm((int(year), MONTHS[month], int(day), int(hour), int(minute), int(second))) - (1 if sign == "+" else -1) * (
        int(zh) * 3600 + int(zm) * 60)


def point_case(index, command, act, seed):
    def run(lab, number):
        seeded, problems = random.Random(seed), []
        one = Recorded(lab, number, command)
        code, told = one.cut_at(act, seeded)
        if code != -9:
            problems.append(f"not killed: {told}")
        if seeded.random() < 0.33:
            code, more = one.cut_at(seeded.randint(1, act), seeded)
            if code is None:
                problems.append(f"the second run: {more}")
            told += "; again: " + more
        code, after, words = one.run()
        if code != 0:
            problems.append(f"the next run: exit {code}: {words.strip()[-300:]}")
        return problems + one.judge(), f"{told}; then {after.get('copied')} copied, {after.get('adopted')} adopted"
    return Case(f"{command} act {act} point {index}", run)


def cases_of(lab, seeded):
    lab.options.recorder = os.path.abspath(lab.options.recorder)
    acts = {command: Recorded(lab, ACCOUNTS - 1 - number, command).acts() for number, command in enumerate(["sync", "backup"])}
    crash_lab.say(f"powercut: {len(acts['sync'])} acts of a sync, {len(acts['backup'])} of a backup")
    out = []
    for index in range(lab.options.points):
        command = ("sync", "backup")[index % 2]
        of = acts[command]
        # Every other one where most is at stake: written, and about to be synced.
        before_sync = [number for number in range(1, len(of)) if of[number - 1] in ("write", "truncate") and of[number].startswith("sync")]
        act = seeded.choice(before_sync) if index % 4 < 2 else seeded.randint(1, len(of))
        out.append(point_case(index, command, act, seeded.random()))
    return out


def main():
    parser = argparse.ArgumentParser(prog="powercut", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    crash_lab.options_of(parser, "powercut")
    parser.add_argument("--recorder", required=True, help="the library that disk_recorder.cpp makes")
    parser.add_argument("--points", type=int, default=500, help="every other one of a backup")
    return crash_lab.main(parser, cases_of, ACCOUNTS)


if __name__ == "__main__":
    sys.exit(main())
