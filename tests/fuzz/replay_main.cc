// Runs a fuzz target on the given files and on all files in the given folders. Used in builds
// without libFuzzer to replay the corpus and the regressions.
#include <cstdio>
#include <vector>

#include "core/files.h"
#include "fuzzing.h"

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  constexpr uint64_t kMaxBytes = 1 << 24;
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i) {
    if (!fs::is_directory(argv[i])) {
      if (fs::exists(argv[i])) files.emplace_back(argv[i]);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(argv[i])) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  for (const auto& path : files) {
    std::printf("%s\n", path.c_str());
    std::fflush(stdout);
    const std::string content = s2i::read_file(path, kMaxBytes);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(content.data()), content.size());
  }
  std::printf("%zu inputs: each accepted or rejected\n", files.size());
  return files.empty() ? 1 : 0;
}
