// What a zip archive's directory says, checked against the file before LibTorch's reader, which
// allocates what the directory claims, sees it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/byte_source.h"

namespace s2i {

struct ZipRecord {
  std::string name;
  uint64_t offset = 0;  ///< of its local header
  uint64_t bytes = 0;
};

/// The records of an archive as torch.save writes it: its directory ends the file, no record is
/// compressed, none overlaps another, none reaches into the directory, no name comes twice, is
/// absolute or has "..". `where` stands in the messages. Throws UserError, RunError if the file
/// cannot be read.
///
/// Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, with Zip64.
std::vector<ZipRecord> read_zip_directory(const ByteSource& file, const std::string& where);

}  // namespace s2i
