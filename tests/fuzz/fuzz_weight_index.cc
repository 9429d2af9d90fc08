#include "fuzzing.h"
#include "weights/weight_index.h"

using namespace s2i;

// The input is model.safetensors.index.json.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return accept_or_reject([&] {
    const Json json = parse_json(text_of(data, size), "fuzz");
    for (const auto& [shard, names] : read_weight_index(json, "fuzz")) {
      S2I_CHECK(!names.empty() &&
                (std::filesystem::path("/a") / shard).lexically_normal() == "/a/" + shard);
    }
  });
}
