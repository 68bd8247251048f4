// SPDX-License-Identifier: Apache-2.0
#include "protocol/mime/fingerprint.hpp"

#include <gtest/gtest.h>

#include "base/escape.hpp"

namespace mxferry::mime {
namespace {

TEST(Fingerprint, SurvivesFoldingBlanksCaseAndTransportHeaders) {
  const auto a =
      fingerprint("Message-ID: <1@x>\r\nDate: Mon,  1 Jan\r\nSubject: a\r\n b\r\n\r\nbody");
  const auto b = fingerprint(
      "Received: by y\r\nSUBJECT: a b\r\nmessage-id:\r\n <1@x>\r\nDate: Mon, 1 Jan\r\n\r\nother");
  EXPECT_EQ(a, b);
  EXPECT_NE(a, fingerprint("Message-ID: <2@x>\r\nDate: Mon,  1 Jan\r\nSubject: a b\r\n\r\nbody"));
}

TEST(Fingerprint, OfTheHeaderFieldsEqualsThatOfTheMessage) {
  const std::string message = "X: y\r\nSubject: s\r\nFrom: f\r\n\r\nSubject: not this\r\n";
  EXPECT_EQ(*header_fingerprint("Subject: s\r\nFrom: f\r\n\r\n"), fingerprint(message));
}

TEST(Fingerprint, OfHeaderlessMailIsItsBody) {
  EXPECT_FALSE(header_fingerprint("X-Other: 1\r\n\r\n"));
  EXPECT_EQ(fingerprint("X-A: 1\r\n\r\nbody"), fingerprint("X-B: 2\r\n\r\nbody"));
  EXPECT_NE(fingerprint("X-A: 1\r\n\r\nbody"), fingerprint("X-A: 1\r\n\r\nbody2"));
  EXPECT_NE(fingerprint("no header at all"), fingerprint("no header either"));
  EXPECT_EQ(fingerprint(""), fingerprint(""));
}

TEST(Fingerprint, AnEmptyFieldDiffersFromNone) {
  EXPECT_NE(fingerprint("Subject:\r\nFrom: a\r\n\r\n"), fingerprint("From: a\r\n\r\n"));
}

TEST(Digest, OfPiecesIsTheDigestOfTheWhole) {
  const std::string text = "abc";
  Sha256 hash;
  ContentHash content;
  for (const char c : text) {
    hash.update(std::string_view(&c, 1));
    content.update(std::string_view(&c, 1));
  }
  const auto digest = hash.finish();
  EXPECT_EQ(hex(std::string(digest.begin(), digest.end())),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(content.finish(), content_hash(text));
}

}  // namespace
}  // namespace mxferry::mime
