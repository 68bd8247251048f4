#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Dovecot 2.3 (IMAP, LMTP, doveadm's HTTP API) unpacked below build/servers/dovecot and run from there; several
# instances run at once on addresses of their own. Mail is kept under a uid that no account of the machine has.
#
#   dovecot.sh unpack | start DIR [key=value...] | stop DIR
#   dovecot.sh run DIR PROGRAM [ARGUMENT...]   PROGRAM (doveadm, ...) of the unpacked tree with DIR's configuration
#
# Keys of start, with defaults:
#   address=127.0.0.1    every listener's address
#   imap_port=143        plain and STARTTLS          imaps_port=993       TLS (needs cert)
#   lmtp_port=24         LMTP                        doveadm_port=8080    doveadm's HTTP API    (0 = no listener)
#   doveadm_key=         file with the API key; empty: made as DIR/doveadm.key (0600)
#   cert= key=           PEM files; without them TLS and STARTTLS are off
#   users=DIR/users      passwd-file; a change counts within a second, without a restart:
#                          user@domain:{PLAIN}pw::::::userdb_quota_rule=*:storage=100M
#   masters=DIR/masters  passwd-file of master users; `user@domain*master` logs in as the user
#   master=              NAME:PASSWORD to put into DIR/masters (only when masters= is not given)
#   mail=DIR/mail        root of the mail; %d/%n below it is a user's home. If the mail uid cannot reach DIR (below
#                        /root, say), DIR/mail is a link into /var/tmp
#   mail_uid=7717        owner of all mail; needs no account
#   format=maildir       maildir | sdbox | mdbox; maildir is home/Maildir (Maildir++)
#   separator=/          hierarchy delimiter
#   prefix=              of the personal namespace, e.g. INBOX.
#   special=yes          Drafts, Sent, Trash, Junk, Archive are made and subscribed, with their special use
#   shared=no            yes: the namespace of other users' shared mailboxes, `shared/`
#   capability=          IMAP capabilities instead of the server's own, e.g. "IMAP4rev1 SASL-IR UIDPLUS"
#   mechanisms=plain login
#   fsync=never          never | optimized | always
#   quota_grace=0        how much may exceed a quota
#   connections=100      IMAP connections per user and address
#   plaintext=yes        no: LOGIN before TLS is refused (disable_plaintext_auth)
#   failure_delay=       e.g. "2 secs": how long the answer to a failed login takes (auth_failure_delay); default 0
#   penalty=no           yes: failed logins delay later ones from the same address, up to 15 s
#   extra=               file with more configuration, included last

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The programs look for modules below a compiled-in path. It is replaced in the unpacked copies by one of the same
# length that leads to base_dir, where the master runs all services and where start puts the link `modules`.
after_unpack() {
  local file
  grep -rlF /usr/lib/dovecot/modules "$1/usr/lib/dovecot" "$1/usr/bin" "$1/usr/sbin" | while IFS= read -r file; do
    if [[ -L $file ]]; then continue; fi
    LC_ALL=C sed -b -i 's#/usr/lib/dovecot/modules#/proc/self/cwd///modules#g' "$file"
  done
}

do_unpack() { unpack_packages dovecot dovecot-core dovecot-imapd dovecot-lmtpd; }

use_dovecot() { use_tree dovecot "$servers_root/dovecot/usr/lib/dovecot"; }

listener() { # NAME PORT [more]
  if [[ $2 == 0 ]]; then printf '  inet_listener %s {\n    port = 0\n  }\n' "$1"
  else printf '  inet_listener %s {\n    address = %s\n    port = %s\n    %s\n  }\n' "$1" "${opt[address]}" "$2" "${3:-}"; fi
}

special_folders() {
  local name use
  if [[ ${opt[special]} != yes ]]; then return 0; fi
  for name in Drafts:Drafts Sent:Sent Trash:Trash Junk:Junk Archive:Archive; do
    use=${name#*:}
    printf '  mailbox %s {\n    auto = subscribe\n    special_use = \\%s\n  }\n' "${name%:*}" "$use"
  done
}

shared_namespace() {
  if [[ ${opt[shared]} != yes ]]; then return 0; fi
  cat <<END
namespace shared {
  type = shared
  separator = ${opt[separator]}
  prefix = shared${opt[separator]}%%u${opt[separator]}
  location = maildir:${opt[mail]}/%%d/%%n/Maildir:INDEXPVT=~/shared/%%u
  subscriptions = no
  list = children
}
END
}

write_configuration() {
  local lib=$tree/usr/lib/dovecot location
  case ${opt[format]} in
    maildir) location='maildir:~/Maildir' ;;
    sdbox | mdbox) location="${opt[format]}:~/${opt[format]}" ;;
    *) usage_error "format=${opt[format]}" ;;
  esac
  cat <<END
protocols = imap lmtp
listen = ${opt[address]}
base_dir = $run
state_dir = $dir/state
instance_name = mxf$(cksum <<<"$dir" | cut -d' ' -f1)
libexec_dir = $lib
mail_plugin_dir = $lib/modules
login_plugin_dir = $lib/modules/login
import_environment = TZ LD_LIBRARY_PATH
default_internal_user = root
default_internal_group = nogroup
mail_access_groups = nogroup
default_login_user = nobody
default_vsz_limit = 2 G
log_path = /dev/stderr
log_timestamp = "%Y-%m-%dT%H:%M:%S "
verbose_proctitle = no
shutdown_clients = yes

disable_plaintext_auth = $([[ ${opt[plaintext]} == no ]] && echo yes || echo no)
auth_mechanisms = ${opt[mechanisms]}
auth_failure_delay = ${opt[failure_delay]:-0 secs}
auth_master_user_separator = *
auth_username_format = %Lu
auth_cache_size = 0
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${opt[masters]}
  master = yes
  result_success = continue
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${opt[users]}
}
userdb {
  driver = passwd-file
  args = username_format=%u ${opt[users]}
}

mail_uid = ${opt[mail_uid]}
mail_gid = ${opt[mail_uid]}
first_valid_uid = ${opt[mail_uid]}
first_valid_gid = ${opt[mail_uid]}
mail_home = ${opt[mail]}/%Ld/%Ln
mail_location = $location
mail_fsync = ${opt[fsync]}
mail_max_userip_connections = ${opt[connections]}
mail_attribute_dict = file:%h/dovecot-attributes
maildir_stat_dirs = no
mail_plugins = quota acl zlib listescape
namespace inbox {
  inbox = yes
  separator = ${opt[separator]}
  prefix = ${opt[prefix]}
$(special_folders)
}
$(shared_namespace)
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_grace = ${opt[quota_grace]}
  acl = vfile
  acl_user = %u
  acl_shared_dict = file:${opt[mail]}/shared-mailboxes
}
protocol imap {
  mail_plugins = \$mail_plugins imap_quota imap_acl imap_zlib
  imap_metadata = yes
  imap_capability = ${opt[capability]}
}
protocol lmtp {
  mail_plugins = \$mail_plugins
  postmaster_address = postmaster@localhost
}
lmtp_save_to_detail_mailbox = no
recipient_delimiter = +

service imap-login {
$(listener imap "${opt[imap_port]}")
$(listener imaps "$([[ -n ${opt[cert]} ]] && echo "${opt[imaps_port]}" || echo 0)" 'ssl = yes')
  service_count = 0
  process_min_avail = 1
  client_limit = 2000
}
service imap {
  process_limit = 2000
  service_count = 100
}
service lmtp {
$(listener lmtp "${opt[lmtp_port]}")
}
service doveadm {
$(listener http "${opt[doveadm_port]}")
}
service anvil {
  client_limit = 5000
$(if [[ ${opt[penalty]} == no ]]; then printf '  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n'; fi)
}
service auth {
  client_limit = 5000
}
service stats {
  client_limit = 5000
}
doveadm_api_key = $(<"${opt[doveadm_key]}")
END
  if [[ -n ${opt[cert]} ]]; then
    printf 'ssl = yes\nssl_cert = <%s\nssl_key = <%s\nssl_min_protocol = TLSv1.2\n' "${opt[cert]}" "${opt[key]}"
  else
    printf 'ssl = no\n'
  fi
  if [[ -n ${opt[extra]} ]]; then printf '!include %s\n' "$(realpath "${opt[extra]}")"; fi
}

do_start() {
  local key run
  use_dovecot
  open_dir "$1"; shift
  defaults address=127.0.0.1 imap_port=143 imaps_port=993 lmtp_port=24 doveadm_port=8080 doveadm_key= cert= key= \
    users="$dir/users" masters="$dir/masters" master= mail= mail_uid=7717 format=maildir separator=/ prefix= \
    special=yes shared=no capability= mechanisms='plain login' fsync=never quota_grace=0 connections=100 \
    plaintext=yes failure_delay= penalty=no extra=
  read_options "$@"
  for key in cert key doveadm_key; do
    if [[ -n ${opt[$key]} ]]; then opt[$key]=$(realpath -e "${opt[$key]}"); fi
  done
  if [[ -z ${opt[doveadm_key]} ]]; then
    opt[doveadm_key]=$dir/doveadm.key
    [[ -s $dir/doveadm.key ]] || new_secret | private_file "$dir/doveadm.key"
  fi
  for key in users masters; do
    [[ -e ${opt[$key]} ]] || private_file "${opt[$key]}" </dev/null
    opt[$key]=$(realpath "${opt[$key]}")
  done
  if [[ -n ${opt[master]} ]]; then
    printf '%s:{PLAIN}%s\n' "${opt[master]%%:*}" "${opt[master]#*:}" | private_file "$dir/masters"
  fi
  needs_free "${opt[address]}" "${opt[imap_port]}" "${opt[imaps_port]}" "${opt[lmtp_port]}" "${opt[doveadm_port]}"
  make_mail_folder "${opt[mail_uid]}"
  make_run_folder # the mail uid must reach the sockets, too
  ln -s "$tree/usr/lib/dovecot/modules" "$run/modules"
  mkdir -p "$dir/state"
  write_configuration | private_file "$dir/dovecot.conf"
  : >"$dir/log"
  # doveconf starts the master because the master would look for it in /usr/bin.
  spawn "$tree/usr/bin/doveconf" -f service=master -c "$dir/dovecot.conf" -m master \
    -e "$tree/usr/sbin/dovecot" -F -c "$dir/dovecot.conf"
  if [[ ${opt[imap_port]} != 0 ]]; then
    await "IMAP on ${opt[address]}:${opt[imap_port]}" 20 reads_banner "${opt[address]}" "${opt[imap_port]}" '* OK'
  fi
  if [[ ${opt[lmtp_port]} != 0 ]]; then
    await "LMTP on ${opt[address]}:${opt[lmtp_port]}" 20 reads_banner "${opt[address]}" "${opt[lmtp_port]}" '220 '
  fi
  if [[ -n ${opt[cert]} && ${opt[imaps_port]} != 0 ]]; then
    await "IMAPS on ${opt[address]}:${opt[imaps_port]}" 20 connects "${opt[address]}" "${opt[imaps_port]}"
  fi
  if [[ ${opt[doveadm_port]} != 0 ]]; then
    await "doveadm on ${opt[address]}:${opt[doveadm_port]}" 20 connects "${opt[address]}" "${opt[doveadm_port]}"
  fi
  keep_run_folder
}

do_stop() { stop_server "$1"; }

do_run() {
  local conf program
  use_dovecot
  conf=$(realpath "$1")/dovecot.conf; program=$2; shift 2
  cd "$(<"$(dirname "$conf")/rundir")"
  exec "$tree/usr/bin/doveconf" -f service="$program" -c "$conf" -m "$program" -e "$tree/usr/bin/$program" -c "$conf" "$@"
}

run_command "$@"
