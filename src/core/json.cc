#include "core/json.h"

#include <set>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/git_lfs.h"

namespace s2i {

Json parse_json(std::string_view text, std::string_view where) {
  constexpr int kMaxDepth = 64;
  reject_lfs_pointer(text, where);
  std::vector<std::set<std::string>> keys;
  const auto check_event = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) throw UserError("{}: nesting depth is over {}", where, kMaxDepth);
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) throw UserError("{}: duplicate key '{}'", where, key);
    }
    return true;
  };
  try {
    return Json::parse(text, check_event);
  } catch (const Json::parse_error& error) {
    throw UserError("{}: invalid JSON at byte {}", where, error.byte);
  } catch (const Json::out_of_range&) {
    throw UserError("{}: invalid JSON: a number is out of range", where);
  }
}

Json read_json(const std::filesystem::path& path, uint64_t max_bytes) {
  return parse_json(read_file(path, max_bytes), path.string());
}

void write_json(const std::filesystem::path& path, const OrderedJson& value) {
  write_file_atomic(path, value.dump(2) + "\n");
}

void fail_json_member(std::string_view where, const char* key, const char* problem) {
  throw UserError("{}: '{}' {}", where, key, problem);
}

}  // namespace s2i
