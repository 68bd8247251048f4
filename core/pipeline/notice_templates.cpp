// SPDX-License-Identifier: Apache-2.0
// The built-in texts of notices. docs/operate/notices.md says which names may stand in braces.
#include "pipeline/notice_text.hpp"

namespace mxferry::pipeline {
namespace {

constexpr const char* kBeforeUsers = R"(Subject: Your mail at {{domain}} moves to a new server

Hello,

the mailboxes of {{domain}} move to a new mail server. The change comes no
sooner than {{lead}} after this message. Your mail is being copied already;
you can go on writing and reading as usual.

What you will have to do after the change

Mail programs and phones that do not find the new server by themselves need
these settings. Your user name is your whole mail address. If you were given
a new password, use that one.

{{settings}}

Your old mail is there after the change, in the same folders. For some hours,
mail may still arrive at the old server; it is carried over.

Not moved by mxferry

What is in this list does not move with your mail. Keep a copy of what you
need, or set it up again:

{{not_moved}}

Backing up your own mail

Mail that your program keeps only on your computer ("local folders", POP3) is
not on the server and does not move: it stays on that computer. If you want a
copy of your own, let your mail program download all folders, or drag them to
a local folder, before the change.

Questions: {{contact}}
)";

constexpr const char* kBeforeUsersHtml = R"(<!doctype html>
<html lang="en"><body style="font-family:sans-serif;line-height:1.5;max-width:40em">
<p>Hello,</p>
<p>the mailboxes of <b>{{domain}}</b> move to a new mail server. The change comes no sooner than
<b>{{lead}}</b> after this message. Your mail is being copied already; you can go on writing and
reading as usual.</p>
<h3>What you will have to do after the change</h3>
<p>Mail programs and phones that do not find the new server by themselves need these settings. Your
user name is your whole mail address. If you were given a new password, use that one.</p>
<ul>
{{settings}}
</ul>
<p>Your old mail is there after the change, in the same folders. For some hours, mail may still
arrive at the old server; it is carried over.</p>
<h3>Not moved by mxferry</h3>
<p>What is in this list does not move with your mail. Keep a copy of what you need, or set it up
again:</p>
<ul>
{{not_moved}}
</ul>
<h3>Backing up your own mail</h3>
<p>Mail that your program keeps only on your computer (&ldquo;local folders&rdquo;, POP3) is not on
the server and does not move: it stays on that computer. If you want a copy of your own, let your
mail program download all folders, or drag them to a local folder, before the change.</p>
<p>Questions: {{contact}}</p>
</body></html>
)";

constexpr const char* kBeforeOperators =
    R"(Subject: mxferry {{migration}}: {{domain}} flips in {{lead}} at the earliest

{{domain}}: everything is copied once, and the notice to its users goes out
with this one. The flip of MX and client records comes no sooner than {{lead}}
after this message, when every gate is open. Plan {{plan}}.

New settings, as the users were told:

{{settings}}

Mailboxes:

{{mailboxes}}

Not moved by mxferry

{{not_moved}}

Look at it with: mxferry status. Stop it with: mxferry pause.
The old side ({{old_server}}) must stay up until the rollback window has closed.
)";

constexpr const char* kBeforeOperatorsHtml = R"(<!doctype html>
<html lang="en"><body style="font-family:sans-serif;line-height:1.5;max-width:40em">
<p><b>{{domain}}</b>: everything is copied once, and the notice to its users goes out with this one.
The flip of MX and client records comes no sooner than <b>{{lead}}</b> after this message, when
every gate is open. Plan <code>{{plan}}</code>.</p>
<p>New settings, as the users were told:</p>
<ul>
{{settings}}
</ul>
<p>Mailboxes:</p>
<ul>
{{mailboxes}}
</ul>
<h3>Not moved by mxferry</h3>
<ul>
{{not_moved}}
</ul>
<p>Look at it with <code>mxferry status</code>, stop it with <code>mxferry pause</code>. The old side
({{old_server}}) must stay up until the rollback window has closed.</p>
</body></html>
)";

constexpr const char* kAfterUsers = R"(Subject: Your mail at {{domain}} has moved

Hello,

mail for {{domain}} now arrives at the new server. Your old mail is there, in
the same folders. For some hours, mail may still arrive at the old server; it
is carried over.

If your mail program or phone shows an error, it needs these settings. Your
user name is your whole mail address.

{{settings}}

Not moved by mxferry

What is in this list did not move with your mail:

{{not_moved}}

Backing up your own mail

The old server is switched off later, and not by us. If you want a copy of
your own, let your mail program download all folders to your computer.

Questions: {{contact}}
)";

constexpr const char* kAfterUsersHtml = R"(<!doctype html>
<html lang="en"><body style="font-family:sans-serif;line-height:1.5;max-width:40em">
<p>Hello,</p>
<p>mail for <b>{{domain}}</b> now arrives at the new server. Your old mail is there, in the same
folders. For some hours, mail may still arrive at the old server; it is carried over.</p>
<p>If your mail program or phone shows an error, it needs these settings. Your user name is your
whole mail address.</p>
<ul>
{{settings}}
</ul>
<h3>Not moved by mxferry</h3>
<p>What is in this list did not move with your mail:</p>
<ul>
{{not_moved}}
</ul>
<h3>Backing up your own mail</h3>
<p>The old server is switched off later, and not by us. If you want a copy of your own, let your
mail program download all folders to your computer.</p>
<p>Questions: {{contact}}</p>
</body></html>
)";

constexpr const char* kAfterOperators = R"(Subject: mxferry {{migration}}: {{domain}} has flipped

{{domain}}: every authoritative server serves the new records, and a canary by
the public route was found. Stragglers are fetched from {{old_server}} until the
watch ends. Plan {{plan}}.

Settings, as the users were told:

{{settings}}

Not moved by mxferry

{{not_moved}}

Go back with: mxferry rollback. The old side must stay up until the rollback
window has closed.
)";

constexpr const char* kAfterOperatorsHtml = R"(<!doctype html>
<html lang="en"><body style="font-family:sans-serif;line-height:1.5;max-width:40em">
<p><b>{{domain}}</b>: every authoritative server serves the new records, and a canary by the public
route was found. Stragglers are fetched from {{old_server}} until the watch ends. Plan
<code>{{plan}}</code>.</p>
<p>Settings, as the users were told:</p>
<ul>
{{settings}}
</ul>
<h3>Not moved by mxferry</h3>
<ul>
{{not_moved}}
</ul>
<p>Go back with <code>mxferry rollback</code>. The old side must stay up until the rollback window
has closed.</p>
</body></html>
)";

struct Builtin {
  const char* name;
  const char* text;
};
constexpr Builtin kBuiltin[] = {
    {"before-users.txt", kBeforeUsers},         {"before-users.html", kBeforeUsersHtml},
    {"before-operators.txt", kBeforeOperators}, {"before-operators.html", kBeforeOperatorsHtml},
    {"after-users.txt", kAfterUsers},           {"after-users.html", kAfterUsersHtml},
    {"after-operators.txt", kAfterOperators},   {"after-operators.html", kAfterOperatorsHtml}};

}  // namespace

std::string builtin_template(const std::string& file_name) {
  for (const auto& one : kBuiltin)
    if (file_name == one.name) return one.text;
  return "";
}

}  // namespace mxferry::pipeline
