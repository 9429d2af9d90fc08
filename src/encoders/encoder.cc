#include "encoders/encoder.h"

#include "core/error.h"

namespace s2i {

void refuse_adapters(const Json& json, std::string_view where) {
  if (json_get_or<bool>(json, "add_adapter", false, where)) {
    throw UserError(
        "{}: \"add_adapter\" is true; models with adapters are not supported, start from the model "
        "without them",
        where);
  }
  if (json.contains("adapter_attn_dim") && !json.at("adapter_attn_dim").is_null()) {
    throw UserError(
        "{}: \"adapter_attn_dim\" is {}; attention adapters are not supported, start from the "
        "model without them",
        where, json.at("adapter_attn_dim").dump());
  }
}

}  // namespace s2i
