// Shared code of the fuzz targets. Each target is one file with LLVMFuzzerTestOneInput. A reader
// must accept any input or reject it with UserError or RunError; another exception, a crash, an
// endless loop or excessive memory use is a bug. With the preset "fuzz", libFuzzer generates the
// input; in all other builds replay_main.cc replays corpus/ and regressions/.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "core/error.h"
#include "temporary_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace s2i {

/// Runs a reader, which may reject the input.
template <typename Body>
int accept_or_reject(Body&& body) {
  try {
    body();
  } catch (const UserError&) {
  } catch (const RunError&) {
  }
  return 0;
}

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// A temporary folder for readers that take files. Use one per process.
class FuzzFolder {
 public:
  /// Writes a file and returns its path.
  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    const auto path = folder_.path() / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace s2i
