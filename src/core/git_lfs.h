// Git LFS pointers: small text files that Git checks out in place of large files if they were not
// downloaded.
#pragma once

#include <string_view>

#include "core/error.h"

namespace s2i {

constexpr std::string_view kLfsPointerStart = "version https://git-lfs";

/// Throws UserError naming the file if its content starts like a Git LFS pointer.
inline void reject_lfs_pointer(std::string_view content, std::string_view file) {
  if (!content.starts_with(kLfsPointerStart)) return;
  throw UserError("{}: a Git LFS pointer instead of the file: run `git lfs pull` in the repository",
                  file);
}

}  // namespace s2i
