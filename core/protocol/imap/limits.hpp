// SPDX-License-Identifier: Apache-2.0
// How much of a server's talk is taken at once. Each constant has a test on both sides. They bound
// memory, not mail: message bodies stream (session.hpp) and are limited only by kMaxLiteral.
// Constants, any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mxferry::imap {

/// One logical response line without its literals. Long ones are VANISHED, FLAGS and SEARCH
/// answers.
inline constexpr std::size_t kMaxLine = std::size_t{1} << 20;
/// A literal that is not a message body (a mailbox name, a header value) is kept whole.
inline constexpr std::size_t kMaxInlineLiteral = std::size_t{64} << 10;
/// Literals of one response, body or not.
inline constexpr std::size_t kMaxLiteralsPerResponse = 64;
/// The size a streamed literal may announce (RFC 3501 §9: number, 32 bits).
inline constexpr std::uint64_t kMaxLiteral = 0xFFFFFFFFULL;
/// Nested parentheses of one response (BODYSTRUCTURE of a mail made of mails).
inline constexpr int kMaxDepth = 64;
/// RFC 7888 §5: LITERAL- allows `{n+}` up to this many octets.
inline constexpr std::uint64_t kLiteralMinusMax = 4096;
/// Messages of one MULTIAPPEND (RFC 3502) and octets of one batch.
inline constexpr std::size_t kBatchMessages = 500;
inline constexpr std::uint64_t kBatchOctets = std::uint64_t{4} << 20;
/// Messages up to this size are read whole; larger ones stream from source to destination.
inline constexpr std::uint64_t kWholeMessage = std::uint64_t{1} << 20;
/// Octets of output that a session makes at once; the rest of a batch waits in its command.
inline constexpr std::size_t kOutputPiece = std::size_t{256} << 10;
/// Folders of one account.
inline constexpr std::size_t kMaxFolders = 150'000;
/// Octets of bodies that one FETCH may fill memory with, whatever sizes the server told before.
inline constexpr std::uint64_t kMaxKept = std::uint64_t{32} << 20;
/// A command line that every server takes (RFC 2683 §3.2.1.5 says 1000 to be safe).
inline constexpr std::size_t kMaxCommandLine = 1000;

}  // namespace mxferry::imap
