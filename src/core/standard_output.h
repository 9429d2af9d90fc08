// Results on standard output. Output that is lost (a full disk, a closed descriptor) is an error of
// the run, not a successful one without a result.
#pragma once

#include <string_view>

namespace s2i {

/// Writes to standard output; may buffer. Throws RunError with the reason if that fails.
void write_output(std::string_view text);

/// Passes everything written so far on, also by std::cout and printf. Throws RunError with the
/// reason if any write since the start of the program failed.
void flush_output();

}  // namespace s2i
