// Suggestions for misspelled names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace s2i {

/// The candidate nearest to `word` by edit distance, or "" when none is near. In dotted names
/// ("optimizer.name") the last part may also be under another group, or be given by its initials
/// ("lr" for learning_rate).
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace s2i
