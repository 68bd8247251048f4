# SPDX-License-Identifier: Apache-2.0
"""Cases for crash.py in which the state fails: each act on its files in turn (disk_recorder.cpp), a full and a read-only disk, no
descriptors left, a file that is locked or damaged, a second process. The run ends with exit 4 or 5 and words that say what, where
and what to do; once the cause is mended the next run ends equal. Python's standard library only."""

import errno
import os
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import threading

from crash_lab import Case, Mxferry
from cutting_proxy import Proxy
from torn_disk import read_log

ENDS = (4, 5)


def says_why(code, words, wanted, where):
    """What is wrong with the end of a run that could not write its state."""
    out = [] if code in ENDS else [f"exit {code}, expected one of {ENDS}: {words.strip()[-300:]}"]
    if not re.search(wanted, words):
        out.append(f"the words do not tell {wanted!r}: {words.strip()[-300:]!r}")
    if where not in words:
        out.append(f"the words do not name {where}: {words.strip()[-300:]!r}")
    if "what to do:" not in words:
        out.append(f"the words have no remedy: {words.strip()[-300:]!r}")
    return out


def next_run(one, lab, problems, told):
    more, did = one.again()
    return problems + more + one.judge(lab.mail), f"{told}; {did}"


# --- Each act fails -----------------------------------------------------------------------------------------------------

def recorded(lab, one, **disk):
    environment = {"MXF_DISK_" + key.upper(): str(value) for key, value in disk.items()}
    return {**environment, "LD_PRELOAD": lab.options.recorder, "MXF_DISK_ROOTS": os.path.realpath(one.folder), "MXF_DISK_LOG": one.folder + ".log"}


def acts_of(lab, number):
    """The acts of a run of which none fails."""
    one = Mxferry(lab, number)
    code, _, words = one.run(environment=recorded(lab, one))
    if code != 0:
        raise RuntimeError(f"the run in which nothing fails: exit {code}: {words}")
    return [act.kind for act in read_log(one.folder + ".log") if act.kind != "open"]


def failing_case(act, kind, code_name, lasting):
    def run(lab, number):
        one = Mxferry(lab, number)
        fail = f"{act}:{getattr(errno, code_name)}{':on' if lasting else ''}"
        code, _, words = one.run(environment=recorded(lab, one, fail=fail))
        problems = []
        if code != 0:  # one that is survived is none, if the mail is equal without another run
            problems = says_why(code, words, r"(?i)full|no space|i/o error|input/output error|unable to open|readonly|read-only", one.folder)
        elif code == 0:
            problems = one.judge(lab.mail)
        return next_run(one, lab, problems, f"exit {code}")
    return Case(f"state act {act} ({kind}) {'and all later fail' if lasting else 'fails'} with {code_name}", run)


# --- Full, read-only ----------------------------------------------------------------------------------------------------

class SmallDisk:
    """A file system of its own for the state of a case."""

    def __init__(self, one, size):
        self.path = os.path.join(one.folder, "disk")
        os.mkdir(self.path, 0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none", self.path], check=True)
        one.state = os.path.join(self.path, "state.db")

    def remount(self, how):
        subprocess.run(["mount", "-o", f"remount,{how}", self.path], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.path], check=True)


def full_case(kilobytes):
    def run(lab, number):
        one = Mxferry(lab, number)
        with SmallDisk(one, f"{kilobytes}k") as disk:
            code, _, words = one.run()
            problems = says_why(code, words, r"(?i)full|no space", disk.path)
            disk.remount("size=64m")
            return next_run(one, lab, problems, f"exit {code}")
    return Case(f"state disk of {kilobytes} KB", run)


def read_only_case(kill_at):
    def run(lab, number):
        one = Mxferry(lab, number)
        with SmallDisk(one, "64m") as disk:
            if kill_at:
                one.run(environment={"MXFERRY_DEBUG_KILL_AT": kill_at})
            disk.remount("ro")
            code, _, words = one.run()
            problems = says_why(code, words, r"(?i)read-?only", disk.path)
            disk.remount("rw")
            return next_run(one, lab, problems, f"exit {code}")
    return Case(f"state read-only {'after ' + kill_at if kill_at else 'from the start'}", run)


# --- Descriptors, locks -------------------------------------------------------------------------------------------------

def descriptors_case(limit):
    def run(lab, number):
        one = Mxferry(lab, number)
        process = subprocess.Popen(one.argv("sync"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, "SECRET": "pass-word"},
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
        out, words = process.communicate(timeout=300)
        problems = []
        if process.returncode == 0:
            problems = one.judge(lab.mail)
        elif process.returncode not in ENDS or not re.search(r"(?i)too many open files|unable to open|descriptor", words):
            problems.append(f"exit {process.returncode}: {words.strip()[-300:]} {out[-200:]}")
        return next_run(one, lab, problems, f"exit {process.returncode}")
    return Case(f"state with {limit} descriptors", run)


def locked_case():
    def run(lab, number):
        one = Mxferry(lab, number)
        one.run(environment={"MXFERRY_DEBUG_KILL_AT": "append.intent:2"})
        other = sqlite3.connect(one.state, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        code, _, words = one.run()
        problems = says_why(code, words, "locked", one.state)
        other.execute("ROLLBACK")
        other.close()
        return next_run(one, lab, problems, f"exit {code}")
    return Case("state locked by another program", run)


def second_process_case():
    def run(lab, number):
        held, go_on = threading.Event(), threading.Event()

        def on_step(_, name):
            if name == "literal of APPEND" and not go_on.is_set():
                held.set()
                go_on.wait(60)
        proxy = Proxy(lab.options.address.replace(".71.", ".72.") + "1", (lab.dest.address, 143), on_step=on_step)
        one = Mxferry(lab, number, dest_port=proxy.port)
        first = one.start()
        problems = [] if held.wait(60) else ["the first process does not come to its APPEND"]
        code, _, words = one.run()
        if code != 6 or "LK-01" not in words or str(first.pid) not in words or one.state not in words:
            problems.append(f"the second process is not refused: exit {code}: {words}")
        go_on.set()
        _, words = first.communicate(timeout=120)
        if first.returncode != 0:
            problems.append(f"the first process: exit {first.returncode}: {words}")
        return next_run(one, lab, problems, f"the second one: exit {code}")
    return Case("state held by a first process", run)


# --- Damage -------------------------------------------------------------------------------------------------------------

def damage(path, how, seeded):
    size = os.path.getsize(path)
    if how == "truncated":
        os.truncate(path, seeded.randint(0, size - 1))
        return
    with open(path, "r+b") as file:
        for _ in range({"an octet": 1, "octets": 40, "a page": 4096}[how]):
            at = seeded.randint(0, size - 1)
            if how == "a page":
                at = at // 4096 * 4096
                file.seek(at)
                file.write(seeded.randbytes(4096))
                return
            file.seek(at)
            octet = file.read(1)[0]
            file.seek(at)
            file.write(bytes([octet ^ (1 << seeded.randrange(8))]))


def damaged_case(index, how, seed):
    """A run that does not see it must end equal all the same; one that does says what to do, and that helps."""
    def run(lab, number):
        seeded = random.Random(seed)
        one = Mxferry(lab, number)
        whole = seeded.random() < 0.5
        one.run(environment={} if whole else {"MXFERRY_DEBUG_KILL_AT": f"append.intent:{seeded.randint(2, 7)}"})
        with sqlite3.connect(one.state) as db:  # all of it is in one file
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        damage(one.state, how, seeded)
        code, _, words = one.run()
        problems, told = [], f"{'whole' if whole else 'cut off'}; exit {code}"
        if code != 0:
            # A header that names another program or version is another program's file: exit 2.
            if not re.search("not a state file of mxferry|newer mxferry", words):
                problems = says_why(code, words, r"(?i)damaged|malformed|not a database|disk i/o error|constraint", one.state)
            for suffix in ("", "-wal", "-shm"):
                if os.path.exists(one.state + suffix):
                    shutil.move(one.state + suffix, one.state + ".damaged" + suffix)
        return next_run(one, lab, problems, told)
    return Case(f"state damaged: {how}, {index}", run)


# --- All ----------------------------------------------------------------------------------------------------------------

def kinds(lab, seeded, number):
    """Lists of cases, for each a sample may be drawn from."""
    acts = list(enumerate(acts_of(lab, number), 1))
    yield [failing_case(act, kind, seeded.choice(["ENOSPC", "EIO"]), False) for act, kind in acts]
    yield [failing_case(act, kind, seeded.choice(["ENOSPC", "EIO"]), True) for act, kind in acts[::5]]
    yield [full_case(kilobytes) for kilobytes in (4, 8, 16, 32, 64, 100, 128, 160, 200)]
    yield [read_only_case(kill_at) for kill_at in (None, "append.intent:1", "append.answered:2", "folder.created:2")]
    yield [descriptors_case(limit) for limit in range(8, 26)]
    yield [locked_case(), second_process_case()]
    yield [damaged_case(index, how, seeded.random()) for how in ("an octet", "octets", "a page", "truncated") for index in range(25)]
