# SPDX-License-Identifier: Apache-2.0
"""A disk as a power cut could have left it: the log of disk_recorder.cpp is played, and what no fsync had made durable is kept,
dropped, torn or reordered. Python's standard library only.

What is assumed of a file system is what POSIX promises: octets are durable with fsync of their file, names with fsync of their
folder (or with syncfs); a rename is whole or not there; sectors (512 or 4096 octets) are whole, and what lies between those
that were written reads as zeros. A name that is not durable may be lost although its file was synced.
"""

import collections
import os
import shutil

Act = collections.namedtuple("Act", "kind id offset octets paths size")


def read_log(path):
    with open(path, "rb") as file:
        while line := file.readline():
            kind, number, offset, size, paths = line.rstrip(b"\n").decode("utf-8", "surrogateescape").split(" ", 4)
            octets = file.read(int(size)) if kind == "write" else b""
            yield Act(kind, int(number), int(offset), octets, paths.split("\t"), int(size))


class File:
    def __init__(self, octets=b""):
        self.durable, self.pending = octets, []  # of pending: acts


def written(octets, offset, piece):
    octets = octets.ljust(offset, b"\0")
    return octets[:offset] + piece + octets[offset + len(piece):]


def applied(octets, act):
    return written(octets, act.offset, act.octets) if act.kind == "write" else octets[:act.offset].ljust(act.offset, b"\0")


class TornDisk:
    def __init__(self, root):
        """As the folder is now: all of it durable."""
        self.root = root
        self.files, self.durable, self.names = {}, {}, {}  # id -> File; path -> id, 0: a folder; as the program sees it
        self.pending = []  # acts on names
        self.old = {}
        for folder, folders, names in os.walk(root):
            for name in folders:
                self.durable[os.path.join(folder, name)] = 0
            for name in names:
                if name.endswith("-shm"):
                    continue
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    self.old[path] = File(file.read())
                self.durable[path] = -len(self.old)
                self.files[-len(self.old)] = self.old[path]
        self.names = dict(self.durable)

    def play(self, log):
        for act in read_log(log):
            getattr(self, "on_" + act.kind.replace("-", "_"))(act)

    def on_open(self, act):
        before = self.names.get(act.paths[0])
        if before is not None and before < 0 and act.id not in self.files:
            self.files[act.id] = self.files[before]
            for names in (self.names, self.durable):
                for path, number in names.items():
                    if number == before:
                        names[path] = act.id

    def on_create(self, act):
        self.files[act.id] = File()
        self.names[act.paths[0]] = act.id
        self.pending.append(act)

    def on_mkdir(self, act):
        self.names[act.paths[0]] = 0
        self.pending.append(act)

    def on_rename(self, act):
        number = self.names.pop(act.paths[0])
        self.names[act.paths[1]] = number
        self.pending.append(act._replace(id=number))

    def on_unlink(self, act):
        self.pending.append(act._replace(id=self.names.pop(act.paths[0])))

    def on_write(self, act):
        self.files[act.id].pending.append(act)

    on_truncate = on_write

    def on_sync(self, act):
        if act.id in self.files:
            self.settle(self.files[act.id])
            return
        left = []
        for one in self.pending:
            if any(os.path.dirname(path) == act.paths[0] for path in one.paths):
                self.name(one)
            else:
                left.append(one)
        self.pending = left

    def on_sync_all(self, _):
        for file in self.files.values():
            self.settle(file)
        for one in self.pending:
            self.name(one)
        self.pending = []

    @staticmethod
    def settle(file):
        for act in file.pending:
            file.durable = applied(file.durable, act)
        file.pending = []

    def name(self, act):
        if act.kind in ("create", "mkdir"):
            # Its folder was synced after it had another name: that one counts.
            if act.id == 0 or act.id not in self.durable.values():
                self.durable[act.paths[0]] = act.id
        elif act.kind == "rename":
            if self.durable.get(act.paths[0]) == act.id:
                del self.durable[act.paths[0]]
            self.durable[act.paths[1]] = act.id
        elif self.durable.get(act.paths[0]) == act.id:
            del self.durable[act.paths[0]]

    def cut(self, seeded):
        """The power goes. What becomes of the rest, in words."""
        how = seeded.choice(["dropped", "kept", "torn", "torn", "torn"])
        block = seeded.choice([512, 4096])
        names = seeded.choice(["in order", "at random"])
        count = 0
        last = seeded.randint(0, len(self.pending))
        for position, act in enumerate(self.pending):
            if position < last if names == "in order" else seeded.random() < 0.5:
                self.name(act)
        for file in {id(file): file for file in self.files.values()}.values():
            count += len(file.pending)
            for act in file.pending:
                if how == "kept" or (how == "torn" and act.kind == "truncate" and seeded.random() < 0.5):
                    file.durable = applied(file.durable, act)
                elif how == "torn" and act.kind == "write":
                    for begin, end in blocks(act.offset, act.offset + len(act.octets), block):
                        if seeded.random() < 0.5:
                            file.durable = written(file.durable, begin, act.octets[begin - act.offset:end - act.offset])
            file.pending = []
        return f"{count} unsynced writes {how}{f' by {block}' if how == 'torn' else ''}, {len(self.pending)} names {names}"

    def rebuild(self):
        """The folder becomes what the disk holds."""
        for name in os.listdir(self.root):
            path = os.path.join(self.root, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        for path in sorted(self.durable):
            if not os.path.isdir(os.path.dirname(path)):
                continue  # its folder was lost
            if self.durable[path] == 0:
                os.mkdir(path, 0o700)
                continue
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(self.files[self.durable[path]].durable)


def blocks(begin, end, size):
    while begin < end:
        edge = min(end, (begin // size + 1) * size)
        yield begin, edge
        begin = edge
