// The command line of s2i-preprocess.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "preprocess/corpus.h"
#include "preprocess/split_job.h"

namespace s2i {

struct PreprocessOptions {
  CorpusSettings corpus;
  std::vector<std::string> splits;
  std::filesystem::path out;
  ShardSettings shards;
  Portion portion;
  std::string summary;           ///< A file, "-", or empty: none. A part writes none.
  std::filesystem::path verify;  ///< Not empty: only verify this folder.
  std::string log_level = "info";
};

/// Nothing if --help or --version was asked for and printed. Throws UserError.
std::optional<PreprocessOptions> parse_options(int argc, const char* const* argv);

}  // namespace s2i
