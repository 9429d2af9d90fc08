#include "weights/weight_index.h"

#include "core/error.h"
#include "core/files.h"

namespace s2i {

std::map<std::string, std::set<std::string>> read_weight_index(const Json& json,
                                                               const std::string& where) {
  const auto map = json_get<std::map<std::string, std::string>>(json, "weight_map", where);
  std::map<std::string, std::set<std::string>> by_shard;
  for (const auto& [name, shard] : map) {
    if (!is_plain_file_name(shard))
      throw UserError("{}: {} is no file name", where, Json(shard).dump());
    by_shard[shard].insert(name);
  }
  return by_shard;
}

}  // namespace s2i
