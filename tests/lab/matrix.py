#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs `mxferry sync` between real servers of every kind, with mail, flags, dates and folder names of every oddity, and
compares what became of each with the one outcome that tests/lab/matrix.toml has for (destination, input). Two judges: what
`mxferry verify --json` says, and what a look at both mailboxes over raw sockets says. A second sync must copy nothing.

    matrix.py --mxferry PROGRAM [--dir DIR] [--pairs SOURCE:DESTINATION,...] [--big] [--address 127.77.70.] [--keep]
    matrix.py --page           print docs/architecture/servers.md

Sources: `odd` (tests/lab/odd_source.py: gives everything) and the real ones; KINDS has them. Without --pairs all of them.
One line a pair; exit 0 if every outcome is the expected one, 1 if one is not, 77 where the packages cannot be had.
"""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAB = os.path.join(REPO, "examples", "lab")
sys.path.insert(0, LAB)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import odd_source  # noqa: E402
from rawimap import Imap, Refused, mutf7  # noqa: E402

# Name of a layout: (script, options). The name before the sign is the server of the table.
KINDS = {
    "dovecot/": ("dovecot", ["separator=/"]),
    "dovecot.": ("dovecot", ["separator=."]),
    "dovecot.inbox": ("dovecot", ["separator=.", "prefix=INBOX."]),
    "dovecot+sdbox": ("dovecot", ["separator=/", "format=sdbox"]),
    "dovecot+sdbox.inbox": ("dovecot", ["separator=.", "prefix=INBOX.", "format=sdbox"]),
    "cyrus/": ("cyrus", ["separator=/"]),
    "cyrus.inbox": ("cyrus", ["separator=.", "prefix=INBOX."]),
    "courier": ("courier", []),
}
PASSWORD = "pass-word"
TABLE = os.path.join(REPO, "tests", "lab", "matrix.toml")

Message = collections.namedtuple("Message", "folder input raw flags date row")


def say(text):
    print(text, flush=True)


# --- The inputs ---------------------------------------------------------------------------------------------------------

def head(subject, more=b""):
    return b"Message-ID: <%s@matrix.test>\r\nFrom: a@matrix.test\r\nDate: Mon, 1 Jul 2019 02:44:00 +0200\r\nSubject: %s\r\n%s" % (
        re.sub(rb"\W", b"-", subject), subject, more)


def raw_of(name):
    plain = head(name.encode()) + b"\r\nbody of " + name.encode() + b"\r\n"
    every = bytes(octet for octet in range(1, 256) if octet not in (10, 13))
    return {
        "nul": plain + b"a\0b\0\0c\r\n",
        "bare-lf": plain.replace(b"\r\n", b"\n"),
        "bare-cr": plain + b"a\rb\r\n",
        "crcrlf": plain + b"a\r\r\nb\r\n",
        "8bit-header": head(b"8bit-header", b"X-Name: J\xfcrgen\r\n") + b"\r\nx\r\n",
        "utf8-header": head(b"utf8-header", "X-Name: Jürgen\r\n".encode()) + b"\r\nx\r\n",
        "8bit-body": plain + every + b"\r\n",
        "long-lines": plain + b"".join(b"l" * length + b"\r\n" for length in (998, 999, 5000, 70000)),
        "no-header": b"only text, and no colon anywhere\r\nin it\r\n",
        "no-body": head(b"no-body") + b"\r\n",
        "no-separator": head(b"no-separator"),
        "no-final-eol": plain + b"the end",
        "zero": b"",
        "one": b"x",
        "no-message-id": b"X-Other: 1\r\n\r\nno id\r\n",
        "big": plain + (b"0123456789" * 7 + b"\r\n") * 28000,
    }.get(name, plain)


def expand(name, raw):
    """An input stands for one message, or for some that must not be mistaken for each other."""
    if name == "twin":
        return [raw] * 3
    if name == "same-id":
        return [raw + b"first\r\n", raw + b"second\r\n"]
    if name == "100-mb":
        return [raw + (b"0123456789" * 7 + b"\r\n") * 1400000]
    return [raw]


def inputs(table, big):
    """Every message of the corpus, in the order in which a folder gets them."""
    for row in table["message"]:
        if row["input"] == "100-mb" and not big:
            continue
        for raw in expand(row["input"], raw_of(row["input"])):
            yield Message("INBOX", row["input"], raw, (), "01-Jul-2019 02:44:00 +0200", row)
    for row in table["flags"]:
        yield Message("Flags", row["input"], raw_of("flags-" + row["input"]), tuple(row["flags"]), "02-Jul-2019 02:44:00 +0200", row)
    for row in table["date"]:
        yield Message("Dates", row["input"], raw_of("date-" + row["input"]), (), row["date"], row)
    for row in table["folder"]:
        yield Message(row["name"], "folder", raw_of("folder " + row["name"].encode("ascii", "replace").decode()), (), "03-Jul-2019 02:44:00 +0200", row)


# --- What servers do to octets ------------------------------------------------------------------------------------------

def munge_header(raw):
    before, separator, after = raw.partition(b"\r\n\r\n")
    return re.sub(rb"[\x80-\xff]", b"X", before) + separator + after


ALTERED = {
    "LF becomes CRLF": lambda raw: re.sub(rb"(?<!\r)\n", b"\r\n", raw),
    "CR inside a line goes away": lambda raw: re.sub(rb"\r(?!\n)", b"", raw),
    "CR CR LF becomes CRLF": lambda raw: raw.replace(b"\r\r\n", b"\r\n"),
    "8-bit octets of the header become X": munge_header,
    "CRLF at the end": lambda raw: raw if raw.endswith(b"\n") else raw + b"\r\n",
}


def server_of(kind):
    return re.match(r"[a-z]+", kind).group()


def cell(row, kind):
    """The table's word for a row and a layout: the most special one."""
    return row.get(kind, row.get(server_of(kind), "equal" if "name" not in row else None))


# --- Servers ------------------------------------------------------------------------------------------------------------

class Server:
    def __init__(self, kind, directory, address, users):
        script, options = KINDS[kind]
        self.kind, self.address = kind, address
        self.directory = os.path.join(directory, re.sub(r"\W", "-", kind.replace("/", "slash")))
        self.script = os.path.join(LAB, "servers", script + ".sh")
        os.makedirs(self.directory, exist_ok=True)
        path = os.path.join(self.directory, "users")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f"{user}:{{PLAIN}}{PASSWORD}::::::\n" for user in users)
        more = ["special=no", "lmtp_port=0", "doveadm_port=0"] if script == "dovecot" else []
        self.run("start", [f"address={address}", f"users={path}", *more, *options])

    def run(self, command, words=()):
        done = subprocess.run([self.script, command, self.directory, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{self.script} {command}: exit {done.returncode}\n{done.stderr}")

    def close(self):
        self.run("stop")
        mail = os.path.join(self.directory, "mail")
        if os.path.islink(mail):
            shutil.rmtree(os.readlink(mail), ignore_errors=True)

    def login(self, user):
        return Imap(self.address, user, PASSWORD)


class Odd:
    """The source that gives everything."""
    kind, address = "odd", None

    def __init__(self, address, corpus):
        folders = collections.defaultdict(list)
        folders["INBOX"] = []
        for message in corpus:
            folders[mutf7(message.folder)].append(odd_source.Message(message.raw, message.flags, message.date))
        self.address = address
        self.server = odd_source.OddSource(address, 143, "source", PASSWORD, folders, "|")
        # What is where: folder, UID -> message.
        self.held, count = {}, collections.Counter()
        for message in corpus:
            count[message.folder] += 1
            self.held[message.folder, count[message.folder]] = message

    def close(self):
        self.server.close()

    def login(self, user):
        return Imap(self.address, user, PASSWORD)


def fill(server, corpus):
    """APPENDs the corpus; what the server takes, as it gives it back, by (folder as people write it, UID)."""
    box = server.login("source")
    prefix, delimiter = box.namespace()
    taken, made = collections.defaultdict(list), {"INBOX": "INBOX"}
    for message in corpus:
        name = message.folder
        if name not in made:
            try:
                if delimiter in name:
                    raise Refused("a separator")
                box.do("CREATE " + box.quoted(prefix + mutf7(name)))
                made[name] = prefix + mutf7(name)
            except Refused:
                made[name] = None
        if made[name] is None:
            continue
        try:
            box.append(made[name], message.raw, message.flags, message.date)
        except (Refused, ConnectionError) as error:
            if isinstance(error, ConnectionError):
                box = server.login("source")
            continue
        taken[name].append(message)
    held = {}
    for name, wire in made.items():
        if wire is None:
            continue
        found = list(box.mail(wire, name, keep=1 << 28))
        if len(found) != len(taken[name]):
            raise RuntimeError(f"{server.kind} took {len(taken[name])} messages into {name!r} and has {len(found)}")
        for one, message in zip(found, taken[name]):
            held[name, one.uid] = message
    return held


# --- One pair -----------------------------------------------------------------------------------------------------------

class Pair:
    def __init__(self, options, source, target, user):
        self.options, self.source, self.target, self.user = options, source, target, user
        self.kind = target.kind
        self.problems = []
        self.state = os.path.join(options.dir, f"{user}.db")

    def wrong(self, text):
        self.problems.append(text)

    def mxferry(self, command):
        argv = [self.options.mxferry, command, "--source", f"imap://source@{self.source.address}:143", "--source-secret", "env:SECRET",
                "--dest", f"imap://{self.user}@{self.target.address}:143", "--dest-secret", "env:SECRET", "--state", self.state, "--json"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=600, env={**os.environ, "SECRET": PASSWORD})
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            self.wrong(f"{command}: exit {done.returncode}, no JSON: {done.stderr[-400:]}")
            return done.returncode, {}

    def expected_name(self, row, delimiter):
        return (cell(row, self.kind) or row["name"]).replace(delimiter, "_")

    def expectations(self, held):
        """Of each message of the source: what must be at the destination (None: nothing), and the kinds of what is told of it."""
        box = self.source.login("source")
        prefix, _ = box.namespace()
        _, delimiter = self.target.login(self.user).namespace()
        for name in sorted({folder for folder, _ in held}):
            wire = "INBOX" if name == "INBOX" else prefix + mutf7(name)
            for mail in box.mail(wire, name, keep=1 << 28):
                message = held[name, mail.uid]
                row = message.row
                folder, raw, instant, flags, told = name, mail.raw, mail.instant, set(mail.flags), {}
                word = cell(row, self.kind)
                if "name" in row:
                    folder = self.expected_name(row, delimiter)
                elif "date" in row:
                    if abs(instant - self.options.began) < 86400:  # the source has put the time of arrival already
                        instant = "now"
                    elif word == "now":
                        instant, told["date"] = "now", ""
                elif "flags" in row:
                    # What PERMANENTFLAGS has not is skipped; what it has and the server refuses is a difference.
                    lost = set(word.partition(": ")[2].split()) & flags
                    flags -= lost
                    if lost and word.startswith("refused: "):
                        told["flags"] = ""
                elif word.startswith("altered: "):
                    raw = ALTERED[word[9:]](raw)
                    if raw != mail.raw:
                        told["altered"] = ""
                elif word.startswith("refused: ") and (mail.raw == message.raw or row.get("refused_altered")):
                    raw, told = None, {"refused": word[9:]}
                yield name, mail.uid, message, folder, raw, instant, tuple(sorted(flags)), told

    def run(self, held):
        expected = list(self.expectations(held))
        _, report = self.mxferry("sync")
        if "error" in report:
            self.wrong(f"sync: {report['error']}: {report.get('message')}")
        listed = {(one["folder"], one["uid"]): one for one in report.get("exceptions", ())}
        for folder in report.get("folders", ()):
            if folder.get("failed") or folder.get("stopped"):
                self.wrong(f"folder {folder['source']!r}: {folder.get('failed') or folder.get('stopped')}")
        for name, uid, message, *_, told in expected:
            line = listed.pop((name, uid), None)
            if "refused" in told:
                if line is None or line["kind"] != "refused" or told["refused"] not in line["words"]:
                    self.wrong(f"{message.input}: not listed as refused with {told['refused']!r}: {line}")
            elif line is not None and line["kind"] not in told:
                self.wrong(f"{message.input}: {line}")
        for key, line in listed.items():
            self.wrong(f"{key}: listed, and not in the source: {line}")
        self.judge_verify(expected)
        self.look(expected)
        _, second = self.mxferry("sync")
        if second.get("copied") != 0 or second.get("adopted") != 0 or second.get("flags_changed") != 0:
            self.wrong(f"the second sync did something: {({key: second.get(key) for key in ('copied', 'adopted', 'flags_changed', 'error', 'message')})}")
        self.look(expected, "after a second sync: ")
        return len(expected)

    def judge_verify(self, expected):
        _, report = self.mxferry("verify")
        found = collections.defaultdict(dict)
        for one in report.get("findings", ()):
            found[one["folder"], one["uid"]][one["kind"]] = one["detail"]
        for name, uid, message, *_, told in expected:
            of_it = found.pop((name, uid), {})
            if set(of_it) != set(told):
                self.wrong(f"{message.input}{' ' + message.folder if 'name' in message.row else ''}: verify says {of_it or 'equal'}, expected {told or 'equal'}")
        for key, kinds in found.items():
            self.wrong(f"{key}: verify says {kinds} of a message that the source has not")

    def look(self, expected, when=""):
        """Without any code of mxferry."""
        box = self.target.login(self.user)
        _, delimiter = box.namespace()
        here, names = collections.Counter(), set()
        for wire, short in box.folders():
            short = short if wire.upper() != "INBOX" else "INBOX"
            names.add(short)
            for mail in box.mail(wire, short):
                instant = "now" if abs(mail.instant - self.options.began) < 86400 else mail.instant
                here[short, mail.sha256, instant, mail.flags] += 1
        there, what = collections.Counter(), {}
        for _, _, message, folder, raw, instant, flags, _ in expected:
            # Levels by "/", as rawimap spells them, whatever the delimiter.
            short = "INBOX" if folder == "INBOX" else mutf7(folder)
            if short not in names:
                self.wrong(f"{when}folder {folder!r} is not there")
                continue
            if raw is None:
                continue
            key = short, hashlib.sha256(raw).hexdigest(), instant, flags
            there[key] += 1
            what[key] = message.input
        for key in (there - here):
            near = [other for other in here - there if other[0] == key[0] and (other[1] == key[1] or other[2:] == key[2:])]
            self.wrong(f"{when}{what[key]}: not as expected in {key[0]!r}: {key[1][:8], *key[2:]}; there: {[(o[1][:8], *o[2:]) for o in near[:3]]}")
        for key in (here - there):
            if not any(other[0] == key[0] for other in there - here):
                self.wrong(f"{when}something else is in {key[0]!r}: {key[1][:8], *key[2:]}")


def page(table):
    """docs/architecture/servers.md."""
    special = [kind for kind in KINDS if kind != server_of(kind)]

    def code(text):
        return f"`{text}`" if text == text.strip() and "`" not in text else f"`{text!r}`"

    def outcomes(row, usual):
        out = []
        for server in ("dovecot", "cyrus", "courier"):
            words = [row.get(server, usual)] + [f"{row[kind]} ({kind})" for kind in special if kind in row and server_of(kind) == server]
            out.append("; ".join(code(word) if "name" in row and word != usual else word.replace("|", "\\|") for word in words if word))
        return " | ".join(out)
    lines = ["# What servers make of odd mail", "",
             "<!-- written by scripts/docs from tests/lab/matrix.toml -->", "",
             "What each server is expected to do. `scripts/prove matrix` copies from each of",
             ", ".join(f"`{kind}`" for kind in KINDS) + " to each",
             "(the sign is the hierarchy delimiter; `inbox`: below the prefix `INBOX`) and from a source that gives every octet, and fails where an",
             "outcome is another one, by `mxferry verify` and by a look of its own. Dovecot 2.3.19, Cyrus 3.6.1, Courier 5.0.13 (Debian 12).", "",
             "**equal**: octets, date and flags. **altered**: the server stored other octets; `mxferry verify` lists the message with both digests.",
             "**refused**: `mxferry sync` lists the message with the server's words, and the others of its batch are copied.", "",
             "## Messages", "", "| input | Dovecot | Cyrus | Courier |", "|---|---|---|---|"]
    lines += [f"| {row['what']} | {outcomes(row, 'equal')} |" for row in table["message"]]
    lines += ["", "## Flags", "", "A flag that a server does not keep (PERMANENTFLAGS) or refuses, or that no command can say, is left out and named; the message is copied.", "",
              "| flags | Dovecot | Cyrus | Courier |", "|---|---|---|---|"]
    lines += [f"| {code(' '.join(row['flags']))} | {outcomes(row, 'equal')} |" for row in table["flags"]]
    lines += ["", "## INTERNALDATE", "", "| date | Dovecot | Cyrus | Courier |", "|---|---|---|---|"]
    lines += [f"| {row['date']} | {outcomes(row, 'equal')} |" for row in table["date"]]
    lines += ["", "## Folder names", "", "A delimiter of the destination inside a name becomes `_`. A name that the server refuses is spelled more plainly, step by",
              "step, and never like another folder. `kept`: as it is.", "", "| name | Dovecot | Cyrus | Courier |", "|---|---|---|---|"]
    lines += [f"| {code(row['name'] if len(row['name']) < 60 else str(len(row['name'])) + ' characters')} | {outcomes(row, 'kept')} |" for row in table["folder"]]
    return "\n".join(lines).replace("k" * 60, "k…") + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mxferry")
    parser.add_argument("--dir", default=os.path.join(REPO, "build", "matrix"))
    parser.add_argument("--pairs", default="")
    parser.add_argument("--big", action="store_true", help="the 100 MB message, too")
    parser.add_argument("--address", default="127.77.70.", help="the first three octets of the servers' addresses")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the servers' folders")
    options = parser.parse_args()
    with open(TABLE, "rb") as file:
        table = tomllib.load(file)
    if options.page:
        sys.stdout.write(page(table))
        return 0
    if os.geteuid() != 0:
        say("skipped: needs root")
        return 77
    options.began = time.time()
    options.mxferry = os.path.abspath(options.mxferry)
    pairs = [tuple(one.split(":")) for one in options.pairs.split(",")] if options.pairs else [
        (source, target) for source in ["odd", *KINDS] for target in KINDS]
    for script in sorted({KINDS[kind][0] for pair in pairs for kind in pair if kind != "odd"}):
        done = subprocess.run([os.path.join(LAB, "servers", script + ".sh"), "unpack"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            say(f"skipped: the packages of {script} cannot be had: {done.stderr.strip()[-300:]}")
            return 77
    shutil.rmtree(options.dir, ignore_errors=True)
    os.makedirs(options.dir)
    corpus = list(inputs(table, options.big))
    servers, failed = {}, 0
    with contextlib.ExitStack() as stack:
        for number, kind in enumerate(dict.fromkeys(kind for pair in pairs for kind in pair)):
            if kind == "odd":
                continue
            users = ["source"] + [f"d{index}" for index, pair in enumerate(pairs) if pair[1] == kind]
            servers[kind] = Server(kind, options.dir, options.address + str(20 + number), users)
            stack.callback(servers[kind].close)
        filled = {}
        for index, (source, target) in enumerate(pairs):
            if source not in filled:
                if source == "odd":
                    servers[source] = Odd(options.address + "19", corpus)
                    stack.callback(servers[source].close)
                    filled[source] = servers[source].held
                else:
                    filled[source] = fill(servers[source], corpus)
            pair = Pair(options, servers[source], servers[target], f"d{index}")
            begun = time.monotonic()
            try:
                count = pair.run(filled[source])
            except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
                pair.wrong(f"{type(error).__name__}: {error}")
                count = 0
            say(f"{'FAIL' if pair.problems else 'ok  '}  {source} -> {target}: {count} messages, {time.monotonic() - begun:.1f} s")
            for problem in pair.problems[:60]:
                say(f"        {problem}")
            failed += bool(pair.problems)
    if not options.keep and not failed:
        shutil.rmtree(options.dir, ignore_errors=True)
    say(f"{len(pairs) - failed} of {len(pairs)} pairs as expected")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
