#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab's mail: what an organisation of seventeen mailboxes has on its old host after ten years, as a Maildir++ tree
that Dovecot serves as it is. Seeded: the same arguments give the same bytes. Python's standard library only.

    corpus.py DIR [--messages N] [--seed N] [--uid UID] [--recent YYYY-MM]

DIR/mail/DOMAIN/USER/Maildir   flags in file names, keywords through dovecot-keywords, INTERNALDATE = mtime,
                               subscriptions
DIR/accounts.json              address, passwords (old and new), quota, aliases, number of messages of each mailbox
DIR/users                      the old host's passwd-file
DIR/aliases                    `alias@domain: target@domain`, for both hosts' MX
DIR/manifest.jsonl             each message: mailbox, folder, sha256 of its octets on the wire, instant, flags, keywords
DIR/.complete                  the arguments; a DIR that has them already is left alone

In it: nested, non-ASCII and empty folders, a parent that is no folder itself, flags and keywords, dates over ten years,
200 bytes to 20 MB with attachments, two identical twins in a folder (and two that differ in flags only), one message
without Message-ID, headers in raw UTF-8 and in Latin-1, a body without a final newline, lines of over a thousand octets.
And a few messages of the week before this month (or --recent) for an address that no row of the plan serves.
"""

import argparse
import base64
import calendar
import fcntl
import hashlib
import json
import os
import random
import shutil
import sys
import time

VERSION = 4
START, END = calendar.timegm((2015, 1, 5, 7, 0, 0)), calendar.timegm((2024, 12, 20, 18, 0, 0))

# Shares of the messages; quota; aliases.
MAILBOXES = [
    ("alice@alpha.test", 24, "2G", ["sales@alpha.test", "a.liddell@alpha.test"]),
    ("bob@alpha.test", 14, "1G", []),
    ("carol@alpha.test", 11, "1G", ["office@alpha.test"]),
    ("dave@alpha.test", 9, "1G", []),
    ("erin@alpha.test", 8, "1G", []),
    ("frank@alpha.test", 7, "500M", []),
    ("grace@alpha.test", 6, "500M", ["press@alpha.test"]),
    ("heidi@alpha.test", 5, "500M", []),
    ("ivan@alpha.test", 4, "500M", []),
    ("judy@alpha.test", 3, "500M", []),
    ("mallory@alpha.test", 3, "500M", []),
    ("olivia@alpha.test", 2, "500M", []),
    ("peggy@alpha.test", 2, "500M", []),
    ("info@alpha.test", 2, "500M", ["contact@alpha.test"]),
]
# Beside the others' number: the second domain is small.
SECOND = [("anna@beta.test", 220, "200M", ["hello@beta.test"]), ("bert@beta.test", 60, "200M", []), ("cleo@beta.test", 20, "200M", [])]

# An alias that everybody has forgotten, and whose mailbox it is.
FORGOTTEN, FORGOTTEN_OWNER = "projects@alpha.test", "info@alpha.test"

# Folder trees; "/" stands between levels here, "." on disk (Maildir++). INBOX is "".
COMMON = ["", "Sent", "Drafts", "Trash", "Junk", "Archive"]
TREES = [
    ["Projekte/2019", "Projekte/2019/Kunden & Partner", "Projekte/2019/Kunden & Partner/Müller GmbH", "Entwürfe für später",
     "Rechnungen", "Rechnungen/2020", "Rechnungen/2021", "Архив", "Архив/Письма", "日本語/メール", "📦 Pakete",
     "Old Stuff/2014", "Lists/dev", "Lists/dev/patches/reviewed/2023", 'He said "no"', "100% sure", "Leer"],
    ["Clients", "Clients/Acme", "Clients/Globex", "Été à la mer", "Lists/announce", "Notes (private)"],
    ["Personal", "Personal/Família", "Work", "Work/Reports", "Work/Reports/Q1"],
]
KEYWORDS = ["$Forwarded", "$MDNSent", "$Label1", "work", "Later", "NonJunk"]

WORDS = ("the of and to a in is it for on with as was that at by from this be are or an will not have we can please "
         "meeting report invoice project server update schedule budget customer delivery contract review question answer "
         "tomorrow monday friday attached regards thanks draft figures office travel order number phone address team "
         "Grüße für über größer naïve café déjà señor Привет 東京").split()


def mutf7(name):
    """A folder name on the wire and on disk (RFC 3501 section 5.1.3)."""
    out, run = "", ""

    def flush():
        nonlocal out, run
        if run:
            out += "&" + base64.b64encode(run.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"
            run = ""
    for char in name:
        if 0x20 <= ord(char) <= 0x7E:
            flush()
            out += "&-" if char == "&" else char
        else:
            run += char
    flush()
    return out


def on_disk(folder):
    return "" if not folder else "." + ".".join(mutf7(level) for level in folder.split("/"))


class Folder:
    """One Maildir folder that is being written."""

    def __init__(self, root, mailbox, folder, owner, manifest):
        self.path, self.mailbox, self.name, self.manifest = os.path.join(root, on_disk(folder)), mailbox, folder, manifest
        self.keywords, self.serial, self.owner = [], 0, owner
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.path, part), exist_ok=True)
        if folder:
            open(os.path.join(self.path, "maildirfolder"), "w").close()

    def add(self, raw, when, flags="", keywords=()):
        """raw has LF line ends; the server sends CRLF."""
        letters = "".join(sorted(flags))
        for keyword in keywords:
            if keyword not in self.keywords:
                self.keywords.append(keyword)
            letters += chr(ord("a") + self.keywords.index(keyword))
        wire = raw.replace(b"\n", b"\r\n")
        self.serial += 1
        path = os.path.join(self.path, "cur", f"{when}.M{self.serial:06d}P1.corpus,S={len(raw)},W={len(wire)}:2,{letters}")
        with open(path, "wb") as file:
            file.write(raw)
        os.utime(path, (when, when))
        names = {"S": "\\Seen", "R": "\\Answered", "F": "\\Flagged", "D": "\\Draft", "T": "\\Deleted"}
        self.manifest.write(json.dumps({
            "mailbox": self.mailbox, "folder": self.name or "INBOX", "sha256": hashlib.sha256(wire).hexdigest(), "size": len(wire),
            "instant": when, "flags": sorted([names[flag] for flag in flags] + list(keywords))}, ensure_ascii=False) + "\n")
        return len(raw)

    def close(self):
        if self.keywords:
            with open(os.path.join(self.path, "dovecot-keywords"), "w", encoding="utf-8") as file:
                file.writelines(f"{number} {keyword}\n" for number, keyword in enumerate(self.keywords))


class Writer:
    """Messages, from one source of random numbers."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.sentences = [" ".join(self.random.choices(WORDS, k=self.random.randint(5, 14))).capitalize() + "." for _ in range(1500)]
        self.noise = base64.encodebytes(self.random.randbytes(3 << 20))
        self.count = 0

    def date(self, when):
        days, months = "Mon Tue Wed Thu Fri Sat Sun".split(), "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
        zone = self.random.choice((0, 60, 120, -300, 330, 540))
        t = time.gmtime(when + zone * 60)
        return (f"{days[t.tm_wday]}, {t.tm_mday:02d} {months[t.tm_mon - 1]} {t.tm_year} {t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} "
                f"{'+-'[zone < 0]}{abs(zone) // 60:02d}{abs(zone) % 60:02d}")

    def text(self, size):
        lines, length = [], 0
        while length < size:
            line = self.random.choice(self.sentences)
            lines.append(line)
            length += len(line) + 1
        return "\n".join(lines) + "\n"

    def attachment(self, size):
        """size octets of base64 lines, cut out of the noise as often as needed."""
        out = []
        while size > 0:
            at = self.random.randrange(0, len(self.noise) // 77 - 1000) * 77
            piece = self.noise[at:at + min(size, 1 << 20) // 77 * 77 + 77]
            out.append(piece)
            size -= len(piece)
        return b"".join(out)

    def headers(self, mailbox, when, subject, message_id=True):
        self.count += 1
        sender = self.random.choice(("maria", "john", "li", "olu", "sven", "nina")) + "@" + self.random.choice(("ext.test", "partner.test", "shop.test"))
        lines = [f"Return-Path: <{sender}>", f"Received: from mx.{sender.split('@')[1]} by mx.oldhost.test with ESMTP id {self.random.getrandbits(48):012x};",
                 f"\t{self.date(when)}", f"From: {sender.split('@')[0].title()} <{sender}>", f"To: <{mailbox}>", f"Subject: {subject}",
                 f"Date: {self.date(when - self.random.randrange(90))}"]
        if message_id:
            lines.append(f"Message-ID: <{self.count}.{self.random.getrandbits(64):016x}@{sender.split('@')[1]}>")
        return lines

    def message(self, mailbox, when):
        kind = self.random.random()
        subject = " ".join(word for word in self.random.choices(WORDS, k=self.random.randint(2, 7)) if word.isascii()) or "hello"
        head = self.headers(mailbox, when, subject)
        if kind < 0.05:  # as small as mail gets
            return f"From: <a@ext.test>\nTo: <{mailbox}>\nSubject: {subject}\nDate: {self.date(when)}\nMessage-ID: <{self.count}.{self.random.getrandbits(32):x}@ext.test>\n\nok\n".encode()
        if kind < 0.80:
            body = self.text(int(self.random.lognormvariate(6.6, 0.9)))
            return "\n".join(head + ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", body]).encode()
        bound = f"=_{self.random.getrandbits(64):016x}"
        if kind < 0.93:
            plain = self.text(600)
            html = "<html><body>" + plain.replace("\n", "<br>\n") + "</body></html>\n"
            return "\n".join(head + ["MIME-Version: 1.0", f'Content-Type: multipart/alternative; boundary="{bound}"', "", f"--{bound}",
                             "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", plain, f"--{bound}",
                             "Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", html, f"--{bound}--", ""]).encode()
        return self.with_attachment(head, bound, int(min(400_000, self.random.lognormvariate(9.8, 1.1))))

    def with_attachment(self, head, bound, size):
        top = "\n".join(head + ["MIME-Version: 1.0", f'Content-Type: multipart/mixed; boundary="{bound}"', "", f"--{bound}",
                        "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", self.text(300), f"--{bound}",
                        'Content-Type: application/octet-stream; name="data.bin"', "Content-Transfer-Encoding: base64",
                        'Content-Disposition: attachment; filename="data.bin"', "", ""]).encode()
        return top + self.attachment(size) + f"--{bound}--\n".encode()

    def flags(self, folder):
        flags, keywords = "", []
        if self.random.random() < 0.8 or folder in ("Sent", "Drafts"):
            flags += "S"
        if self.random.random() < 0.2:
            flags += "R"
        if self.random.random() < 0.07:
            flags += "F"
        if folder == "Drafts":
            flags += "D"
        if folder == "Trash" and self.random.random() < 0.1:
            flags += "T"
        if self.random.random() < 0.12:
            keywords = self.random.sample(KEYWORDS, self.random.randint(1, 2))
        return flags, keywords


def write_oddities(writer, mailbox, folders):
    """What one mailbox has that migrations trip over."""
    inbox, when = folders[""], calendar.timegm((2018, 6, 1, 12, 0, 0))
    twin = writer.message(mailbox, when)
    inbox.add(twin, when, "S")
    inbox.add(twin, when, "S")
    other = writer.message(mailbox, when + 60)
    folders["Archive"].add(other, when + 60, "S")
    folders["Archive"].add(other, when + 60, "SF", ["work"])
    folders["Trash"].add(other, when + 60, "S")
    count = 5
    no_id = "\n".join(writer.headers(mailbox, when + 120, "no message id", message_id=False)) + "\n\n" + writer.text(400)
    head = "\n".join(writer.headers(mailbox, when + 180, "PLACE"))
    odd = [
        no_id.encode(),
        head.replace("PLACE", "Grüße aus Köln, 8 bit").encode("utf-8") + b"\n\nraw UTF-8 header\n",
        head.replace("PLACE", "Gr\u00fc\u00dfe").encode("latin-1") + b"\n\nraw Latin-1 header\n",
        head.replace("PLACE", "no final newline").encode() + b"\n\nends here",
        head.replace("PLACE", "no body at all").encode() + b"\n\n",
        head.replace("PLACE", "long lines").encode() + b"\n\n" + (b"x" * 1500 + b"\n") * 3,
        head.replace("PLACE", "From in the body").encode() + b"\n\nFrom here on\n.\n..\n>From there\n",
        head.replace("PLACE", "x" * 3000).encode() + b"\n\na long subject\n",
        b"Subject: nothing else\n\n",
    ]
    for number, raw in enumerate(odd):
        inbox.add(raw, when + 300 + number, "" if number % 2 else "S")
    inbox.add(writer.message(mailbox, 86400), 86400, "S")  # 2 January 1970
    return count + len(odd) + 1


LARGE = [("alice@alpha.test", "Projekte/2019", 20_000_000), ("alice@alpha.test", "", 5_000_000), ("bob@alpha.test", "Archive", 12_000_000),
         ("carol@alpha.test", "", 8_000_000), ("dave@alpha.test", "Sent", 3_000_000), ("erin@alpha.test", "", 1_200_000)]


def write_forgotten(writer, inbox, month):
    """What came in the week before `month` began, as the old host delivered it."""
    for day in range(1, 7):
        when = month + 8 * 3600 - day * 86400
        inbox.add(f"Delivered-To: {FORGOTTEN}\n".encode() + writer.message(FORGOTTEN, when), when, "S" if day > 2 else "")
    return 6


def write_mailbox(writer, root, address, number, count, tree, owner, manifest, month):
    user, domain = address.split("@")
    maildir = os.path.join(root, domain, user, "Maildir")
    names = COMMON + tree
    folders = {name: Folder(maildir, address, name, owner, manifest) for name in names}
    made = 0
    if number == 0:
        made += write_oddities(writer, address, folders)
    for owner_of, folder, size in LARGE:
        if owner_of == address:
            when = writer.random.randrange(START, END)
            folders[folder].add(writer.with_attachment(writer.headers(address, when, f"{size} bytes"), f"=_{when:x}", int(size)), when, "S")
            made += 1
    filled = [name for name in names if name != "Leer"]
    weights = [12 if name == "" else 5 if name in ("Archive", "Sent") else 2 for name in filled]
    while made < count:
        name = writer.random.choices(filled, weights)[0]
        when = writer.random.randrange(START, END)
        flags, keywords = writer.flags(name)
        folders[name].add(writer.message(address, when), when, flags, keywords)
        made += 1
    if address == FORGOTTEN_OWNER:
        made += write_forgotten(writer, folders[""], month)
    for folder in folders.values():
        folder.close()
    subscribed = [name for position, name in enumerate(names) if name and (position < 6 or position % 3 != 0)]
    with open(os.path.join(maildir, "subscriptions"), "w", encoding="ascii") as file:
        file.writelines(on_disk(name)[1:] + "\n" for name in subscribed)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir")
    parser.add_argument("--messages", type=int, default=20200, help="in the first domain")
    parser.add_argument("--seed", type=int, default=20150105)
    parser.add_argument("--uid", type=int, default=7717, help="owner of the files, as far as root writes them")
    parser.add_argument("--recent", default=time.strftime("%Y-%m", time.gmtime()), help="the month that counts as this one")
    options = parser.parse_args()
    month = calendar.timegm(time.strptime(options.recent, "%Y-%m"))
    os.makedirs(os.path.dirname(os.path.abspath(options.dir)), exist_ok=True)
    lock = open(options.dir.rstrip("/") + ".lock", "w", encoding="ascii")
    fcntl.flock(lock, fcntl.LOCK_EX)  # two labs may start at once; freed when the program ends
    recipe = f"{VERSION} {options.messages} {options.seed} {options.uid} {options.recent}\n"
    try:
        with open(os.path.join(options.dir, ".complete"), encoding="ascii") as file:
            if file.read() == recipe:
                return 0
    except FileNotFoundError:
        pass
    work = options.dir.rstrip("/") + f".new.{os.getpid()}"
    os.umask(0o022)
    os.makedirs(work)
    writer, shares, accounts = Writer(options.seed), sum(row[1] for row in MAILBOXES), []
    rows = [(address, max(30, options.messages * share // shares), quota, aliases) for address, share, quota, aliases in MAILBOXES]
    rows[0] = (rows[0][0], rows[0][1] + options.messages - sum(row[1] for row in rows), *rows[0][2:])
    rows += [(address, min(count, options.messages), quota, aliases) for address, count, quota, aliases in SECOND]
    with open(os.path.join(work, "manifest.jsonl"), "w", encoding="utf-8") as manifest:
        for number, (address, count, quota, aliases) in enumerate(rows):
            tree = TREES[0] if number == 0 else TREES[1 + number % 2] if number < 12 else []
            made = write_mailbox(writer, os.path.join(work, "mail"), address, number, count, tree, options.uid, manifest, month)
            secret = hashlib.sha256(f"{options.seed} {address}".encode()).hexdigest()
            accounts.append({"address": address, "old_password": "old-" + secret[:20], "new_password": "new-" + secret[20:40],
                             "quota": quota, "aliases": aliases, "messages": made})
    if os.geteuid() == 0:
        for folder, _, files in os.walk(os.path.join(work, "mail")):
            os.chown(folder, options.uid, options.uid)
            for name in files:
                os.chown(os.path.join(folder, name), options.uid, options.uid)
    with open(os.path.join(work, "accounts.json"), "w", encoding="utf-8") as file:
        json.dump(accounts, file, indent=1)
    with open(os.open(os.path.join(work, "users"), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
        for account in accounts:
            file.write(f"{account['address']}:{{PLAIN}}{account['old_password']}::::::userdb_quota_rule=*:storage={account['quota']}\n")
    with open(os.path.join(work, "aliases"), "w", encoding="ascii") as file:
        for account in accounts:
            file.writelines(f"{alias}: {account['address']}\n" for alias in account["aliases"])
        file.write(f"{FORGOTTEN}: {FORGOTTEN_OWNER}\n")
    with open(os.path.join(work, ".complete"), "w", encoding="ascii") as file:
        file.write(recipe)
    shutil.rmtree(options.dir, ignore_errors=True)
    os.rename(work, options.dir)
    print(f"{sum(account['messages'] for account in accounts)} messages in {len(accounts)} mailboxes below {options.dir}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
