// What a checkpoint holds: model/ is a Hugging Face directory as it stands, beside it the
// optimizer's state, where the run is, and the checksums of all of it; nothing is pickled.
// checkpoint_store.h keeps them on disk.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace s2i {

/// Checks every file of a checkpoint against checksums.json: missing, added, cut short, changed;
/// links and other things that are no files; checksums.json itself, byte for byte. Returns all that
/// is wrong, nothing if it is whole.
std::vector<std::string> checkpoint_problems(const std::filesystem::path& checkpoint);

/// The first of checkpoint_problems(), "" if it is whole.
std::string check_checkpoint(const std::filesystem::path& checkpoint);

/// Writes checksums.json over all files of a folder. Throws RunError.
void write_checksums(const std::filesystem::path& folder);

}  // namespace s2i
