#include "core/error.h"

#include <system_error>

namespace s2i {

void fail_check(const char* condition, const char* file, int line, const std::string& message) {
  throw std::logic_error(fmt::format("internal error: {} ({}:{}){}{}", condition, file, line,
                                     message.empty() ? "" : ": ", message));
}

std::string errno_text(int error_number) { return std::generic_category().message(error_number); }

}  // namespace s2i
