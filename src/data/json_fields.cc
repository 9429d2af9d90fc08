#include "data/json_fields.h"

#include <charconv>

#include "core/error.h"

namespace s2i {

uint64_t get_count(const Json& object, const char* key, const std::string& where) {
  constexpr int64_t kLimit = int64_t{1} << 40;
  const auto value = json_get<int64_t>(object, key, where);
  if (value < 0 || value > kLimit) throw UserError("{}: '{}' is out of range", where, key);
  return static_cast<uint64_t>(value);
}

uint64_t get_checksum(const Json& object, const char* key, const std::string& where) {
  constexpr size_t kDigits = 16;
  const auto text = json_get<std::string>(object, key, where);
  uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.size() != kDigits || result.ec != std::errc() ||
      result.ptr != text.data() + text.size()) {
    throw UserError("{}: invalid checksum '{}'; run s2i-preprocess again", where, text);
  }
  return value;
}

}  // namespace s2i
