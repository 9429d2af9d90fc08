// JSON input and output: nlohmann::json with size and depth limits, no duplicate keys, no implicit
// conversions, and errors that name the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace s2i {

using Json = nlohmann::json;
/// Keeps insertion order, for files that people read.
using OrderedJson = nlohmann::ordered_json;

/// Parses text; `where` is used in error messages. Rejects duplicate keys, a depth over 64, and
/// numbers outside the range of double, and names a Git LFS pointer as such. Throws UserError.
Json parse_json(std::string_view text, std::string_view where);

/// Reads and parses a file of at most `max_bytes`. Throws RunError (cannot be read) or UserError
/// (invalid JSON), naming the file.
Json read_json(const std::filesystem::path& path, uint64_t max_bytes = 64ULL << 20);

/// Writes the file atomically (core/files.h), with an indent of two and a final newline.
void write_json(const std::filesystem::path& path, const OrderedJson& value);

/// Converts without loss. An integer must be written without a decimal point or exponent and fit
/// the type; true and false are not numbers; the same applies to elements of arrays and objects.
/// Returns false if the value does not convert.
template <typename T>
bool json_convert(const Json& value, T& to);

/// Returns a required member of the given type. Throws UserError naming the key and `where`.
template <typename T>
T json_get(const Json& object, const char* key, std::string_view where);

/// Returns `fallback` if the member is missing or null. Throws UserError for the wrong type.
template <typename T>
T json_get_or(const Json& object, const char* key, T fallback, std::string_view where);

[[noreturn]] void fail_json_member(std::string_view where, const char* key, const char* problem);

template <typename T>
bool json_convert(const Json& value, T& to) {
  if constexpr (std::is_same_v<T, Json>) {
    to = value;
    return true;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (value.is_boolean()) to = value.get<bool>();
    return value.is_boolean();
  } else if constexpr (std::is_integral_v<T>) {
    // nlohmann's get() wraps on overflow and truncates fractions.
    const auto fit = [&](auto number) {
      if (std::in_range<T>(number)) to = static_cast<T>(number);
      return std::in_range<T>(number);
    };
    if (value.is_number_unsigned()) return fit(value.get<uint64_t>());
    return value.is_number_integer() && fit(value.get<int64_t>());
  } else if constexpr (std::is_floating_point_v<T>) {
    if (value.is_number()) to = value.get<T>();
    return value.is_number();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (value.is_string()) to = value.get_ref<const std::string&>();
    return value.is_string();
  } else if constexpr (requires { typename T::mapped_type; }) {
    if (!value.is_object()) return false;
    to.clear();
    for (const auto& [key, member] : value.items()) {
      if (!json_convert(member, to[key])) return false;
    }
    return true;
  } else {
    if (!value.is_array()) return false;
    to.clear();
    to.reserve(value.size());
    for (const Json& member : value) {
      if (!json_convert(member, to.emplace_back())) return false;
    }
    return true;
  }
}

template <typename T>
T json_get(const Json& object, const char* key, std::string_view where) {
  if (!object.is_object() || !object.contains(key)) fail_json_member(where, key, "is missing");
  T value{};
  if (!json_convert(object.at(key), value)) fail_json_member(where, key, "has the wrong type");
  return value;
}

template <typename T>
T json_get_or(const Json& object, const char* key, T fallback, std::string_view where) {
  if (!object.is_object() || !object.contains(key) || object.at(key).is_null()) return fallback;
  return json_get<T>(object, key, where);
}

}  // namespace s2i
