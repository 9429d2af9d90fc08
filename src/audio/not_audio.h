// Describes a file that cannot be decoded, with the remedy.
#pragma once

#include <filesystem>
#include <string>

#include "audio/file_window.h"

namespace s2i {

/// Names the format if it is known: a Git LFS pointer, MP4, AMR, headerless audio and others.
/// Otherwise "not audio in a format that libsndfile reads".
std::string describe_not_audio(const std::filesystem::path& path, FileWindow& file);

}  // namespace s2i
