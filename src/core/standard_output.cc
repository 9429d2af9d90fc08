#include "core/standard_output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "core/error.h"

namespace s2i {
namespace {

[[noreturn]] void fail(int error) {
  throw RunError("standard output: {}; the output is incomplete",
                 error != 0 ? std::strerror(error) : "an earlier write failed");
}

}  // namespace

void write_output(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail(errno);
}

void flush_output() {
  errno = 0;
  const bool failed = std::cout.flush().bad();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || failed) fail(errno);
}

}  // namespace s2i
