#include "preprocess/missing_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "core/unicode.h"

namespace s2i {
namespace {

constexpr size_t kMaxNameBytes = 255;  // NAME_MAX: no file has a longer name

/// How the name of the file on disk differs from the one in the CSV.
struct Differences {
  bool separator = false;  ///< '\' where the file system has '/'.
  bool spaces = false;
  std::string form;  ///< Normalization form on disk.
};

bool file_exists(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

/// The name under which `name` exists in `folder`.
std::optional<std::string> find_name(const std::filesystem::path& folder, const std::string& name,
                                     Differences& differences) {
  if (name.size() > kMaxNameBytes) return std::nullopt;
  if (file_exists(folder / name)) return name;
  auto nfc = to_nfc(name);
  if (nfc && *nfc != name && file_exists(folder / *nfc)) {
    differences.form = "NFC";
    return nfc;
  }
  auto nfd = to_nfd(name);
  if (nfd && *nfd != name && file_exists(folder / *nfd)) {
    differences.form = "NFD";
    return nfd;
  }
  const std::string without_spaces(trimmed(name));
  if (without_spaces != name && !without_spaces.empty() && file_exists(folder / without_spaces)) {
    differences.spaces = true;
    return without_spaces;
  }
  return std::nullopt;
}

/// Follows `rest` from `folder`, name by name.
std::optional<std::filesystem::path> find_similar(std::filesystem::path folder,
                                                  const std::filesystem::path& rest,
                                                  Differences& differences) {
  for (auto part = rest.begin(); part != rest.end(); ++part) {
    const std::string name = part->string();
    if (const auto found = find_name(folder, name, differences)) {
      folder /= *found;
      continue;
    }
    if (differences.separator || name.find('\\') == std::string::npos) return std::nullopt;
    differences.separator = true;
    std::filesystem::path remaining;
    for (; part != rest.end(); ++part) remaining /= *part;
    std::string text = remaining.string();
    std::replace(text.begin(), text.end(), '\\', '/');
    return find_similar(folder, std::filesystem::path(text).relative_path(), differences);
  }
  return folder;
}

}  // namespace

std::string missing_file_hint(const std::filesystem::path& path) {
  if (!is_utf8(path.string())) return "the name is not UTF-8: save the CSV file as UTF-8";
  Differences differences;
  const auto found = find_similar(path.root_path(), path.relative_path(), differences);
  if (!found) return "";
  std::vector<std::string> changes;
  if (differences.separator) changes.emplace_back("write '/' instead of '\\'");
  if (!differences.form.empty()) {
    changes.push_back(
        fmt::format("write the name in the Unicode normalization form that it has on disk ({})",
                    differences.form));
  }
  if (differences.spaces) changes.emplace_back("remove the spaces around the name");
  if (changes.empty()) return "";  // the file was created in the meantime
  return fmt::format("{} exists: {}", found->string(), fmt::join(changes, ", "));
}

}  // namespace s2i
