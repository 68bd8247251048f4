// SPDX-License-Identifier: Apache-2.0
#include "imap/special_use.hpp"

#include <array>
#include <utility>

#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::imap {
namespace {

constexpr std::array<std::pair<std::string_view, SpecialUse>, 8> kAttributes = {{
    {"\\Archive", SpecialUse::archive},
    {"\\Drafts", SpecialUse::drafts},
    {"\\Junk", SpecialUse::junk},
    {"\\Sent", SpecialUse::sent},
    {"\\Trash", SpecialUse::trash},
    {"\\All", SpecialUse::all},
    {"\\Flagged", SpecialUse::flagged},
    {"\\Important", SpecialUse::important},
}};

// Names of servers and clients without SPECIAL-USE: English first, then as localised mailboxes have
// them. A word with two meanings stands with the longer name that settles it ("lixo" is Trash,
// "lixo eletrônico" Junk).
constexpr std::pair<std::string_view, SpecialUse> kNames[] = {
    {"Sent", SpecialUse::sent},
    {"Sent Items", SpecialUse::sent},
    {"Sent Messages", SpecialUse::sent},
    {"Sent Mail", SpecialUse::sent},
    {"Sent-Mail", SpecialUse::sent},
    {"Gesendet", SpecialUse::sent},
    {"Gesendete Elemente", SpecialUse::sent},
    {"Gesendete Objekte", SpecialUse::sent},
    {"Envoyés", SpecialUse::sent},
    {"Éléments envoyés", SpecialUse::sent},
    {"Messages envoyés", SpecialUse::sent},
    {"Enviados", SpecialUse::sent},
    {"Elementos enviados", SpecialUse::sent},
    {"Mensajes enviados", SpecialUse::sent},
    {"Itens enviados", SpecialUse::sent},
    {"Inviata", SpecialUse::sent},
    {"Posta inviata", SpecialUse::sent},
    {"Inviati", SpecialUse::sent},
    {"Verzonden", SpecialUse::sent},
    {"Verzonden items", SpecialUse::sent},
    {"Wysłane", SpecialUse::sent},
    {"Elementy wysłane", SpecialUse::sent},
    {"Отправленные", SpecialUse::sent},
    {"Odeslané", SpecialUse::sent},
    {"Odeslaná pošta", SpecialUse::sent},
    {"Skickat", SpecialUse::sent},
    {"Sendt", SpecialUse::sent},
    {"Sendte elementer", SpecialUse::sent},
    {"Lähetetyt", SpecialUse::sent},
    {"送信済み", SpecialUse::sent},
    {"送信済みメール", SpecialUse::sent},
    {"已发送", SpecialUse::sent},
    {"已发送邮件", SpecialUse::sent},
    {"보낸 편지함", SpecialUse::sent},
    {"Gönderilmiş Öğeler", SpecialUse::sent},
    {"Drafts", SpecialUse::drafts},
    {"Draft", SpecialUse::drafts},
    {"Entwürfe", SpecialUse::drafts},
    {"Brouillons", SpecialUse::drafts},
    {"Borradores", SpecialUse::drafts},
    {"Rascunhos", SpecialUse::drafts},
    {"Bozze", SpecialUse::drafts},
    {"Concepten", SpecialUse::drafts},
    {"Robocze", SpecialUse::drafts},
    {"Wersje robocze", SpecialUse::drafts},
    {"Черновики", SpecialUse::drafts},
    {"Koncepty", SpecialUse::drafts},
    {"Rozepsané", SpecialUse::drafts},
    {"Utkast", SpecialUse::drafts},
    {"Kladder", SpecialUse::drafts},
    {"Luonnokset", SpecialUse::drafts},
    {"下書き", SpecialUse::drafts},
    {"草稿", SpecialUse::drafts},
    {"草稿箱", SpecialUse::drafts},
    {"임시 보관함", SpecialUse::drafts},
    {"Taslaklar", SpecialUse::drafts},
    {"Trash", SpecialUse::trash},
    {"Bin", SpecialUse::trash},
    {"Deleted", SpecialUse::trash},
    {"Deleted Items", SpecialUse::trash},
    {"Deleted Messages", SpecialUse::trash},
    {"Papierkorb", SpecialUse::trash},
    {"Gelöscht", SpecialUse::trash},
    {"Gelöschte Elemente", SpecialUse::trash},
    {"Gelöschte Objekte", SpecialUse::trash},
    {"Corbeille", SpecialUse::trash},
    {"Éléments supprimés", SpecialUse::trash},
    {"Papelera", SpecialUse::trash},
    {"Elementos eliminados", SpecialUse::trash},
    {"Lixo", SpecialUse::trash},
    {"Lixeira", SpecialUse::trash},
    {"Itens excluídos", SpecialUse::trash},
    {"Cestino", SpecialUse::trash},
    {"Posta eliminata", SpecialUse::trash},
    {"Prullenbak", SpecialUse::trash},
    {"Verwijderde items", SpecialUse::trash},
    {"Kosz", SpecialUse::trash},
    {"Elementy usunięte", SpecialUse::trash},
    {"Корзина", SpecialUse::trash},
    {"Удаленные", SpecialUse::trash},
    {"Koš", SpecialUse::trash},
    {"Odstraněná pošta", SpecialUse::trash},
    {"Papperskorg", SpecialUse::trash},
    {"Papirkurv", SpecialUse::trash},
    {"Roskakori", SpecialUse::trash},
    {"ゴミ箱", SpecialUse::trash},
    {"已删除", SpecialUse::trash},
    {"已删除邮件", SpecialUse::trash},
    {"휴지통", SpecialUse::trash},
    {"Silinmiş Öğeler", SpecialUse::trash},
    {"Junk", SpecialUse::junk},
    {"Spam", SpecialUse::junk},
    {"Junk E-mail", SpecialUse::junk},
    {"Junk Email", SpecialUse::junk},
    {"Bulk", SpecialUse::junk},
    {"Bulk Mail", SpecialUse::junk},
    {"Spamverdacht", SpecialUse::junk},
    {"Junk-E-Mail", SpecialUse::junk},
    {"Werbung", SpecialUse::junk},
    {"Courrier indésirable", SpecialUse::junk},
    {"Indésirables", SpecialUse::junk},
    {"Correo no deseado", SpecialUse::junk},
    {"Lixo eletrônico", SpecialUse::junk},
    {"Lixo eletrónico", SpecialUse::junk},
    {"Posta indesiderata", SpecialUse::junk},
    {"Ongewenste e-mail", SpecialUse::junk},
    {"Wiadomości-śmieci", SpecialUse::junk},
    {"Спам", SpecialUse::junk},
    {"Nevyžádaná pošta", SpecialUse::junk},
    {"Skräppost", SpecialUse::junk},
    {"Uønsket e-post", SpecialUse::junk},
    {"Roskaposti", SpecialUse::junk},
    {"迷惑メール", SpecialUse::junk},
    {"垃圾邮件", SpecialUse::junk},
    {"스팸", SpecialUse::junk},
    {"Archive", SpecialUse::archive},
    {"Archives", SpecialUse::archive},
    {"Archiv", SpecialUse::archive},
    {"Archivo", SpecialUse::archive},
    {"Arquivo", SpecialUse::archive},
    {"Archivio", SpecialUse::archive},
    {"Archief", SpecialUse::archive},
    {"Archiwum", SpecialUse::archive},
    {"Архив", SpecialUse::archive},
    {"Arkiv", SpecialUse::archive},
    {"Arkisto", SpecialUse::archive},
    {"アーカイブ", SpecialUse::archive},
};

}  // namespace

SpecialUse use_of(const ListData& entry) {
  if (is_inbox(entry.name)) return SpecialUse::inbox;
  for (const auto& [attribute, use] : kAttributes)
    if (entry.has(attribute)) return use;
  return SpecialUse::none;
}

SpecialUse use_by_name(std::string_view name) {
  for (const auto& [known, use] : kNames)
    if (equals_ignoring_case(known, name)) return use;
  return SpecialUse::none;
}

std::string_view use_attribute(SpecialUse use) {
  for (const auto& [attribute, known] : kAttributes)
    if (known == use) return attribute;
  return {};
}

}  // namespace mxferry::imap
