// A report of one or several runs: one HTML file that needs no network.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/json.h"

namespace s2i {

struct ReportSettings {
  bool audio = false;              ///< Embed the audio of the worst utterances.
  std::filesystem::path data_dir;  ///< Folder of the shards; empty: data.dir of each run.
};

/// Writes `file`. Throws UserError or RunError.
void write_report(const std::vector<std::filesystem::path>& runs, const std::filesystem::path& file,
                  const ReportSettings& settings = {});

/// The page with `data`, which is escaped: no text in it can end the script that holds it.
std::string report_page(const OrderedJson& data);

}  // namespace s2i
