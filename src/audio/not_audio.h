// What a file is that nothing here decodes, and what to do about it.
#pragma once

#include <filesystem>
#include <string>

#include "audio/file_window.h"

namespace s2i {

/// "not audio in a format that libsndfile reads", or by name where the contents or the extension
/// tell: a Git LFS pointer, MP4, AMR, headerless samples and others.
std::string describe_not_audio(const std::filesystem::path& path, FileWindow& file);

}  // namespace s2i
