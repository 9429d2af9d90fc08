// model.safetensors.index.json: which file holds which tensor.
#pragma once

#include <map>
#include <set>
#include <string>

#include "core/json.h"

namespace s2i {

/// Shard -> the tensors that it holds, from the index's "weight_map". A shard is a plain file name
/// and so lies beside the index; it may be a link, as all files of Hugging Face's cache are.
/// `where` stands in the messages. Throws UserError.
std::map<std::string, std::set<std::string>> read_weight_index(const Json& json,
                                                               const std::string& where);

}  // namespace s2i
