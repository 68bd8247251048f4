// SPDX-License-Identifier: Apache-2.0
#include "dns/at_once.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace mxferry::dns {
namespace {

constexpr std::size_t kMostThreads = 64;

}  // namespace

void at_once(std::size_t count, const std::function<void(std::size_t)>& ask) {
  std::atomic<std::size_t> next{0};
  const auto take = [&] {
    for (std::size_t i = next++; i < count; i = next++) ask(i);
  };
  std::vector<std::jthread> helpers;  // this thread takes its share, too
  for (std::size_t i = 1; i < std::min(count, kMostThreads); ++i) helpers.emplace_back(take);
  take();
}

}  // namespace mxferry::dns
