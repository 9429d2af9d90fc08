// JSON in and out: nlohmann::json with limits, no duplicate keys, and errors that name the file.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace s2i {

using Json = nlohmann::json;
/// Keeps the order of insertion: for files that people read.
using OrderedJson = nlohmann::ordered_json;

/// Parses text; `where` stands in the message. Refuses duplicate keys and a depth over 64.
/// Throws UserError.
Json parse_json(std::string_view text, std::string_view where);

/// Reads and parses a file of at most `max_bytes`. Throws RunError (cannot read) or UserError
/// (not JSON), naming the file.
Json read_json(const std::filesystem::path& path, uint64_t max_bytes = 64ULL << 20);

/// Writes atomically (core/files.h), indented by two, with a newline at the end.
void write_json(const std::filesystem::path& path, const OrderedJson& value);

/// A required member of the given type. Throws UserError naming the key and `where`.
template <typename T>
T json_get(const Json& object, const char* key, std::string_view where);

/// A member that may be missing or null, then `fallback`. Throws UserError for another type.
template <typename T>
T json_get_or(const Json& object, const char* key, T fallback, std::string_view where);

[[noreturn]] void fail_json_member(std::string_view where, const char* key, const char* problem);

template <typename T>
T json_get(const Json& object, const char* key, std::string_view where) {
  if (!object.is_object() || !object.contains(key)) fail_json_member(where, key, "is missing");
  try {
    return object.at(key).get<T>();
  } catch (const nlohmann::json::exception&) {
    fail_json_member(where, key, "has the wrong type");
  }
}

template <typename T>
T json_get_or(const Json& object, const char* key, T fallback, std::string_view where) {
  if (!object.is_object() || !object.contains(key) || object.at(key).is_null()) return fallback;
  return json_get<T>(object, key, where);
}

}  // namespace s2i
