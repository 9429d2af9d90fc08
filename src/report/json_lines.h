// Reads a log with one JSON object per line.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/json.h"

namespace s2i {

/// Calls `use` for each line with the file and line for messages. A last line without a line break,
/// of a run that is going on, is left out. Throws UserError for a line that is no JSON object, or
/// RunError.
void for_each_json_line(const std::filesystem::path& file,
                        const std::function<void(const Json& line, const std::string& where)>& use);

}  // namespace s2i
