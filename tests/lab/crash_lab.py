# SPDX-License-Identifier: Apache-2.0
"""What the proofs of crash safety share: a corpus, a source and a destination (real servers), `mxferry` as it is called, and
the judges: a look at both mailboxes over raw sockets, and `mxferry verify --json`. Each case has a destination account of
its own. Python's standard library only."""

import collections
import concurrent.futures
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(REPO, "examples", "lab"))
import matrix  # noqa: E402
from rawimap import Imap, mutf7  # noqa: E402

PASSWORD = matrix.PASSWORD
DATE = "01-Jul-2019 02:44:%02d +0200"


def say(text):
    print(text, flush=True)


# --- The corpus ---------------------------------------------------------------------------------------------------------

def message(subject, body=b"text\r\n"):
    return (f"Message-ID: <{subject}@crash.test>\r\nFrom: a@crash.test\r\nDate: Mon, 1 Jul 2019 02:44:00 +0200\r\n"
            f"Subject: {subject}\r\n\r\n").encode() + body


def filling(octets):
    return (b"0123456789" * 7 + b"\r\n") * (octets // 72)


def corpus():
    """(folder, octets, flags): batches of one folder, twins, mail without a header, and mail that streams."""
    flags = [(), ("\\Seen",), ("\\Seen", "\\Answered"), ("\\Flagged", "$Label1"), ("\\Draft",), ("\\Deleted", "\\Seen")]
    out = []
    for number in range(8):
        out.append(("INBOX", message(f"inbox-{number}"), flags[number % len(flags)]))
    out += [("INBOX", message("twin"), ("\\Seen",))] * 2
    out += [("INBOX", message("same-id", b"first\r\n"), ()), ("INBOX", message("same-id", b"second\r\n"), ())]
    out += [("INBOX", b"no header and no colon\r\nin it\r\n", ())]
    for number in range(6):
        out.append(("Work", message(f"work-{number}"), flags[(number + 1) % len(flags)]))
    for number in range(3):
        out.append(("Work/Entwürfe & \"x\"", message(f"deep-{number}"), flags[number]))
    for number in range(6):
        out.append(("Large", message(f"large-{number}", filling(800_000)), flags[number]))
    out.append(("Large", message("streamed", filling(1_300_000)), ("\\Seen",)))
    out.append(("Large", message("behind"), ()))
    return out


FOLDERS = ["INBOX", "Work", "Work/Entwürfe & \"x\"", "Large", "Empty"]


def wide_corpus():
    """So many folders that several pairs of connections copy them side by side."""
    return [(f"folder-{folder:02}", message(f"wide-{folder}-{number}"), ("\\Seen",) if number else ()) for folder in range(32) for number in range(3)]


# --- The lab ------------------------------------------------------------------------------------------------------------

class Lab:
    """The servers and their accounts; `source` holds the corpus, `wide` the one of many folders."""

    def __init__(self, options, accounts):
        self.options, self.dir = options, options.dir
        self.program = os.path.abspath(options.mxferry)
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(os.path.join(self.dir, "state"))
        sources = ["source", "wide"] + [f"s{number}" for number in range(accounts)]
        self.source = matrix.Server("dovecot/", os.path.join(self.dir, "source"), options.address + "1", sources)
        self.dest = matrix.Server("dovecot/", os.path.join(self.dir, "dest"), options.address + "2", [f"d{number}" for number in range(accounts)])
        self.fill("source", FOLDERS[1:], corpus())
        self.fill("wide", sorted({folder for folder, *_ in wide_corpus()}), wide_corpus())
        self.before = {user: (self.full_look(user), self.files(user)) for user in ("source", "wide")}
        self.mail, self.wide_mail = (collections.Counter(self.before[user][0][0]) for user in ("source", "wide"))

    def fill(self, user, folders, mail):
        box = self.source.login(user)
        for name in folders:
            box.do("CREATE " + box.quoted(mutf7(name)))
        for number, (folder, raw, flags) in enumerate(mail):
            box.append(mutf7(folder), raw, flags, DATE % (number % 60))

    def home(self, server, user):
        return os.path.join(os.path.realpath(os.path.join(server.directory, "mail")), "", user)

    def files(self, user):
        """Names (which hold the flags) and sizes of all mail, as the server has them on disk."""
        out = set()
        for folder, _, names in os.walk(self.home(self.source, user)):
            if os.path.basename(folder) in ("cur", "new"):
                out |= {(folder, name, os.path.getsize(os.path.join(folder, name))) for name in names}
        return out

    def source_of(self, number):
        """A copy of the source for a case that changes it."""
        user = f"s{number}"
        subprocess.run(["cp", "-a", self.home(self.source, "source"), self.home(self.source, user)], check=True)
        return user

    def full_look(self, user):
        """The mail of a source account, and what the server says of each folder."""
        box = self.source.login(user)
        says = []
        for name, _ in sorted(box.folders()):
            says += [text for text, _ in box.do(f"STATUS {box.quoted(name)} (UIDVALIDITY UIDNEXT MESSAGES)")]
        return look(box), says

    def source_is_unchanged(self):
        problems = []
        for user, ((mail, says), files) in self.before.items():
            problems += difference(mail, self.full_look(user)[0], user)
            if self.full_look(user)[1] != says:
                problems.append(f"{user} says other UIDs or counts than before")
            if self.files(user) != files:
                problems.append(f"the files of {user} have other names or sizes than before")
        return problems

    def close(self, keep):
        with concurrent.futures.ThreadPoolExecutor() as pool:  # each takes its time to see its clients off
            for server in (self.source, self.dest):
                pool.submit(server.close)
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)


def look(box):
    out = collections.Counter()
    for wire, short in box.folders():
        out[short, None, None, None] += 1
        for mail in box.mail(wire, short):
            out[short, mail.sha256, mail.instant, mail.flags] += 1
    return out


def difference(wanted, found, where, may_stay=()):
    """Lost and surplus mail in words. may_stay: what may be there and need not."""
    out = []
    for key, number in (wanted - found).items():
        out.append(f"{where}: lost {number} of {key[0]!r} {(key[1] or 'the folder')[:8]} {key[2:]}")
    for key, number in (found - wanted - collections.Counter(may_stay)).items():
        out.append(f"{where}: {number} too many of {key[0]!r} {(key[1] or 'the folder')[:8]} {key[2:]}")
    return out


class Mxferry:
    """`mxferry` on one pair with one state."""

    def __init__(self, lab, number, source="source", source_port=None, dest_port=None):
        self.lab, self.dest = lab, f"d{number}"
        self.folder = os.path.join(lab.dir, "state", str(number))
        os.makedirs(self.folder, mode=0o700)
        self.state = os.path.join(self.folder, "state.db")
        at = lab.options.address.replace(".71.", ".72.") + "1"
        source_at = f"{at}:{source_port}" if source_port else f"{lab.source.address}:143"
        dest_at = f"{at}:{dest_port}" if dest_port else f"{lab.dest.address}:143"
        self.ends = ["--source", f"imap://{source}@{source_at}", "--source-secret", "env:SECRET"]
        self.to = ["--dest", f"imap://{self.dest}@{dest_at}", "--dest-secret", "env:SECRET"]

    def argv(self, command, more=()):
        return [self.lab.program, command, *self.ends, *self.to, "--state", self.state, "--json", *more]

    def start(self, command="sync", more=(), environment=None, argv=None):
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("MXFERRY_DEBUG", "MXF_DISK"))}
        return subprocess.Popen(argv or self.argv(command, more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env={**clean, "SECRET": PASSWORD, **(environment or {})})

    def run(self, command="sync", more=(), environment=None, seconds=180, argv=None):
        """Exit code, the JSON (or {}), and what it says to people."""
        process = self.start(command, more, environment, argv)
        try:
            out, words = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None, {}, f"no end within {seconds} s"
        try:
            return process.returncode, json.loads(out), words
        except ValueError:
            return process.returncode, {}, words

    def again(self):
        """The same command until it has nothing to say; what is wrong, and what it did in words."""
        began = time.monotonic()
        code, told, words = self.run()
        did = f"next run {time.monotonic() - began:.1f} s, {told.get('copied')} copied, {told.get('adopted')} adopted"
        return ([] if code == 0 else [f"the next run: exit {code}: {words.strip()[-300:]}"]), did

    def judge(self, wanted, may_stay=()):
        """Both judges."""
        problems = difference(wanted, look(self.lab.dest.login(self.dest)), "the destination", may_stay)
        code, told, words = self.run("verify")
        if code != 0 or told.get("findings") or told.get("refused") or told.get("pending"):
            problems.append(f"verify: exit {code}: {told.get('findings', words[-300:])}, pending {told.get('pending')}")
        return problems


# --- Cases --------------------------------------------------------------------------------------------------------------

Case = collections.namedtuple("Case", "name play")  # play(lab, number) -> (problems, words)


def play_one(lab, case, number):
    began = time.monotonic()
    try:
        problems, words = case.play(lab, number)
    except Exception:  # a broken case is a failed one, and tells where
        problems, words = [traceback.format_exc(limit=4)], ""
    line = f"{'FAIL' if problems else 'ok  '}  {case.name}: {words} [{time.monotonic() - began:.1f} s]"
    lines = [line] + [f"        {problem}" for problem in problems[:8]]
    if problems:
        lines.append(f"        state {os.path.join(lab.dir, 'state', str(number))}, account d{number}")
    return not problems, "\n".join(lines)


_playing = None


def _play_numbered(number):
    lab, cases = _playing
    return play_one(lab, cases[number], number)


def play(lab, cases, workers):
    """All cases, several at once (they wait more than they work), each in a process of its own; the number that failed."""
    global _playing
    _playing = lab, cases  # inherited by the workers
    failed = []
    with concurrent.futures.ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        try:
            for number, (good, text) in enumerate(pool.map(_play_numbered, range(len(cases)))):
                say(text)
                if not good:
                    failed.append(cases[number].name)
        except BaseException:
            pool.shutdown(cancel_futures=True)  # only what is being played comes to its end
            raise
    return failed


def sample(seeded, cases, size):
    """So many of them, in their order."""
    return cases if size is None or size >= len(cases) else [cases[i] for i in sorted(seeded.sample(range(len(cases)), size))]


def options_of(parser, directory):
    parser.add_argument("--mxferry", required=True, help="the program")
    parser.add_argument("--dir", default=os.path.join(REPO, "build", directory), help="where the servers lie")
    parser.add_argument("--address", default="127.77.71.", help="the first three octets of the servers' addresses")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a regular expression: cases whose name it finds")
    parser.add_argument("--workers", type=int, default=12, help="cases at once")
    parser.add_argument("--keep", action="store_true", help="leave the states and the servers' folders")


def main(parser, cases_of, accounts):
    """cases_of(lab, seeded) -> [Case]. Exit code."""
    options = parser.parse_args()
    if os.geteuid() != 0:
        say("skipped: needs root")
        return 77
    done = subprocess.run([os.path.join(REPO, "examples", "lab", "servers", "dovecot.sh"), "unpack"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        say(f"skipped: the packages of dovecot cannot be had: {done.stderr.strip()[-300:]}")
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers are stopped, whoever ends this
    began = time.monotonic()
    lab = Lab(options, accounts)
    failed = ["not played"]
    try:
        cases = [case for case in cases_of(lab, random.Random(options.seed)) if re.search(options.only, case.name)]
        say(f"{parser.prog}: seed {options.seed}, {len(cases)} cases, {sum(lab.mail.values()) - len(FOLDERS)} messages each")
        failed = play(lab, cases, options.workers)
        problems = lab.source_is_unchanged()
        for problem in problems:
            say(f"FAIL  {problem}")
        failed += problems
        say(f"{len(cases) - len(failed)} of {len(cases)} cases end equal, 0 lost, 0 twice, source unchanged (seed {options.seed}, {time.monotonic() - began:.0f} s)" if not failed
            else f"{len(failed)} of {len(cases)} cases do not end equal (seed {options.seed}, {time.monotonic() - began:.0f} s): {'; '.join(failed)}")
    finally:
        lab.close(options.keep or bool(failed))
    return 1 if failed else 0
