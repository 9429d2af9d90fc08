// What the fuzz targets share. Each is one file with LLVMFuzzerTestOneInput: any bytes are either
// read or refused with a UserError or RunError; anything else, a crash, an endless loop or memory
// out of proportion is a bug. Under libFuzzer (preset fuzz) the bytes are its own; in every other
// build replay_main.cc gives them the files of corpus/ and regressions/.
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

/// Runs a reader; refusing is as good as reading.
template <typename Body>
int read_or_refuse(Body&& body) {
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

/// A folder in memory, for readers that take files; one a process.
class FuzzFolder {
 public:
  /// Writes the bytes and gives their path.
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
