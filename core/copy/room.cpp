// SPDX-License-Identifier: Apache-2.0
#include "copy/room.hpp"

#include <string>
#include <unordered_set>
#include <utility>

#include "copy/messages_io.hpp"

namespace mxferry::copy {
namespace {

// Octets that a copy of the folder will add, as the source tells sizes.
Task<Result<std::uint64_t>> new_octets(const CopyJob& job, MailSource& source,
                                       const FolderPlace& place) {
  auto state = co_await source.open_folder(place.info->wire);
  if (!state) co_return fail(std::move(state).error());
  const auto& record = place.record;
  const bool known = record.id != 0 && record.src.uid_validity == state->uid_validity;
  const Uid first = known ? first_to_list(record, job.options.messages) : Uid(1);
  const Uid last = state->uid_next ? Uid(state->uid_next->value - 1) : kLastUid;
  std::unordered_set<std::uint32_t> copied;
  if (known && first == Uid(1)) {
    MXF_CO_TRY(records, job.state->messages(record));
    for (const auto& message : records) copied.insert(message.src.value);
  }
  auto listed = co_await list_range(source, first, last);
  if (!listed) co_return fail(std::move(listed).error());
  std::uint64_t sum = 0;
  for (const auto& message : *listed)
    if (!copied.contains(message.uid.value) && job.options.messages.passes(message))
      sum += message.size;
  co_return sum;
}

}  // namespace

Task<Result<void>> check_room(const CopyJob& job, MailSource& source, MailTarget& target,
                              std::span<const FolderPlace> places) {
  auto quota = co_await target.storage_quota();
  if (!quota) co_return fail(std::move(quota).error());
  if (!quota->limit) co_return Result<void>();
  const auto used = quota->used.value_or(0);
  const auto room = *quota->limit > used ? *quota->limit - used : 0;
  std::uint64_t wanted = 0;
  for (const auto& place : places) {
    auto more = co_await new_octets(job, source, place);
    // A folder that cannot be opened is told when its turn comes.
    if (!more && more.error().retry == Retry::never &&
        (more.error().code == ErrorCode::refused || more.error().code == ErrorCode::denied ||
         more.error().code == ErrorCode::not_found))
      continue;
    if (!more) co_return fail(std::move(more).error());
    wanted += *more;
  }
  if (wanted <= room) co_return Result<void>();
  Error error;
  error.code = ErrorCode::gate;
  error.operation = "copy " + job.name;
  error.text = "QU-01: " + std::to_string(wanted) + " octets are to be copied, and the quota of " +
               std::to_string(*quota->limit) + " at the destination leaves " + std::to_string(room);
  error.remedy =
      "nothing was copied; raise the quota, leave something out (--since, --folder), or go on with "
      "--accept-quota until it is full";
  co_return fail(std::move(error));
}

}  // namespace mxferry::copy
