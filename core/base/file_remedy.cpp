// SPDX-License-Identifier: Apache-2.0
#include "base/file_remedy.hpp"

#include <cerrno>

namespace mxferry {

std::string remedy_for(int cause, const std::string& file) {
  const std::string again = ", then run the same command again";
  switch (cause) {
    case ENOSPC:
    case EDQUOT:
      return "free space on the file system of " + file + again;
    case EROFS:
    case EACCES:
    case EPERM:
      return "make " + file + " and its folder writable" + again;
    case EMFILE:
    case ENFILE:
      return "let the process have more files open (ulimit -n)" + again;
    case ENOENT:
    case ENOTDIR:
      return "see that the folder of " + file + " is there" + again;
    case EIO:
      return "look for the disk's fault (dmesg), mend it" + again;
    default:
      return {};
  }
}

}  // namespace mxferry
