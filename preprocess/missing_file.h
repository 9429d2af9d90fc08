// Hints for audio files that do not exist under the name in the CSV file, because the name is
// spelled differently.
#pragma once

#include <filesystem>
#include <string>

namespace s2i {

/// For a file that does not exist: what to change if it exists with '/' instead of '\', in another
/// Unicode normalization form, or without spaces around a name; or if the name is not UTF-8. Empty
/// if none of these applies. Costs a few calls of stat per folder of the path.
std::string missing_file_hint(const std::filesystem::path& path);

}  // namespace s2i
