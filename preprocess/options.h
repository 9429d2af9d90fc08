// The command line of s2i-preprocess.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "preprocess/corpus.h"
#include "preprocess/split_preprocessor.h"

namespace s2i {

struct PreprocessOptions {
  CorpusSettings corpus;
  std::vector<std::string> splits;
  std::filesystem::path out;
  ShardSettings shards;
  PartSelection selection;
  std::string summary;           ///< A file, "-" for standard output, or empty for none.
  std::filesystem::path verify;  ///< If not empty, only verify this folder.
  std::string log_level = "info";
};

/// Returns nothing after printing --help or --version. Throws UserError.
std::optional<PreprocessOptions> parse_options(int argc, const char* const* argv);

}  // namespace s2i
