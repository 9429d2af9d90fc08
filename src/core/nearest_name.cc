#include "core/nearest_name.h"

#include <algorithm>
#include <cstdint>

namespace s2i {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

std::string_view last_part(std::string_view key) {
  const size_t dot = key.rfind('.');
  return dot == std::string_view::npos ? key : key.substr(dot + 1);
}

/// "lr" of "learning_rate".
std::string initials(std::string_view name) {
  std::string letters;
  bool starts_word = true;
  for (const char c : name) {
    if (starts_word) letters += c;
    starts_word = c == '_';
  }
  return letters;
}

std::string_view group(std::string_view key) {
  return key.substr(0, key.size() - last_part(key).size());
}

size_t distance_between(std::string_view word, std::string_view candidate) {
  const std::string_view part = last_part(word);
  if (part.size() > 1 && part == initials(last_part(candidate))) {
    return group(word) == group(candidate) ? 0 : 1;
  }
  // A key in the wrong group is as likely as a misspelled one.
  return std::min(edit_distance(word, candidate), edit_distance(part, last_part(candidate)) + 1);
}

}  // namespace

std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr size_t kLongestWord = 256;  // the cost is the product of the lengths
  if (word.size() > kLongestWord) return "";
  std::string best;
  size_t best_distance = SIZE_MAX;
  for (const auto& candidate : candidates) {
    const size_t distance = distance_between(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best_distance <= std::max<size_t>(2, last_part(word).size() / 3) ? best : "";
}

}  // namespace s2i
