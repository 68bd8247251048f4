// SPDX-License-Identifier: Apache-2.0
// The folder of a file system that a mail folder is kept in: Maildir++ (a dot before each level)
// with everything that a file system, a shell or another program could read otherwise spelled as
// %XX. One-to-one: two names never meet, except where a name is too long or differs from another
// only by case; those carry a digest. Pure, any thread.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace mxferry::maildir {

/// `.Archive.2024` for {"Archive", "2024"}; parts are UTF-8 or any bytes. At most 200 octets.
std::string directory_for(const std::vector<std::string>& path);

/// The same, and other than all of `taken` when compared without case (`taken` is lower-case).
std::string free_directory_for(const std::vector<std::string>& path,
                               const std::set<std::string>& taken);

/// ASCII letters in lower case: how names are compared where case does not count.
std::string fold_case(std::string name);

}  // namespace mxferry::maildir
