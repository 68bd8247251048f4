// SPDX-License-Identifier: Apache-2.0
#include "support/tls_imap_server.hpp"

#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <csignal>
#include <stdexcept>

namespace mxferry::test {
namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

}  // namespace

TlsImapServer::TlsImapServer(TlsImapOptions options)
    : options_(std::move(options)), listener_(options_.address) {
  std::signal(SIGPIPE, SIG_IGN);  // SSL_write to a client that has gone
  if (!options_.certificate.empty()) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context, options_.certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, options_.key.c_str(), SSL_FILETYPE_PEM) != 1)
      throw std::runtime_error("cannot use " + options_.certificate);
    context_ = context;
  }
  thread_ = std::thread([this] { serve(); });
}

TlsImapServer::~TlsImapServer() {
  listener_.stop();
  thread_.join();
  SSL_CTX_free(static_cast<SSL_CTX*>(context_));
}

std::string TlsImapServer::transcript() const {
  const std::lock_guard lock(mutex_);
  return transcript_;
}

bool TlsImapServer::wait_for_hang() {
  std::unique_lock lock(mutex_);
  return came_.wait_for(lock, std::chrono::seconds(20), [&] { return hangs_; });
}

void TlsImapServer::serve() {
  for (int fd = listener_.accept(); fd >= 0; fd = listener_.accept()) {
    ++connections_;
    talk(fd);
    ::close(fd);
  }
}

void TlsImapServer::talk(int fd) {
  SSL* ssl = nullptr;
  const auto readable = [&] {
    if (ssl != nullptr && SSL_pending(ssl) > 0) return true;
    pollfd waits[2] = {{fd, POLLIN, 0}, {listener_.stop_fd(), POLLIN, 0}};
    ::poll(waits, 2, 10'000);
    return waits[1].revents == 0 && waits[0].revents != 0;
  };
  const auto send = [&](const std::string& text) {
    if (ssl != nullptr)
      (void)SSL_write(ssl, text.data(), static_cast<int>(text.size()));
    else
      (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
  };
  const auto handshake = [&] {
    ssl = SSL_new(static_cast<SSL_CTX*>(context_));
    SSL_set_fd(ssl, fd);
    return SSL_accept(ssl) == 1;
  };
  std::string buffer;
  const auto converse = [&] {
    if (options_.implicit_tls && !handshake()) return;
    send(options_.greeting);
    while (readable()) {
      char chunk[4096];
      const auto n = ssl != nullptr ? static_cast<ssize_t>(SSL_read(ssl, chunk, sizeof chunk))
                                    : ::recv(fd, chunk, sizeof chunk, 0);
      if (n <= 0) return;
      {
        const std::lock_guard lock(mutex_);
        transcript_.append(chunk, static_cast<std::size_t>(n));
      }
      buffer.append(chunk, static_cast<std::size_t>(n));
      for (auto end = buffer.find("\r\n"); end != std::string::npos; end = buffer.find("\r\n")) {
        const auto line = buffer.substr(0, end);
        buffer.erase(0, end + 2);
        const auto blank = line.find(' ');
        const auto tag = line.substr(0, blank);
        const auto command = upper(blank == std::string::npos ? "" : line.substr(blank + 1));
        // LOGIN and AUTHENTICATE are one to a test: which of them comes is the client's choice.
        const bool credential = command.starts_with("LOGIN") || command.starts_with("AUTHENTICATE");
        if (!options_.hang_at.empty() && (command.starts_with(options_.hang_at) ||
                                          (credential && options_.hang_at == "LOGIN"))) {
          {
            const std::lock_guard lock(mutex_);
            hangs_ = true;
          }
          came_.notify_all();
          continue;
        }
        if (command == "CAPABILITY") {
          const bool more = ssl == nullptr && options_.offers_starttls && context_ != nullptr;
          send("* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN" + std::string(more ? " STARTTLS" : "") +
               "\r\n" + tag + " OK done\r\n");
        } else if (command == "STARTTLS") {
          send(tag + " " + options_.starttls_answer + "\r\n" + options_.after_starttls);
          if (options_.starttls_answer.starts_with("OK") && !handshake()) return;
        } else if (credential) {
          send(tag + " " + options_.login_answer + "\r\n");
        } else {
          send(tag + " BAD what\r\n");
        }
      }
    }
  };
  converse();
  SSL_free(ssl);
}

}  // namespace mxferry::test
