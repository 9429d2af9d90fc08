// The weights of a Hugging Face directory, whichever of its forms they are in.
#pragma once

#include <filesystem>
#include <string>

#include "weights/safetensors.h"

namespace s2i {

/// All tensors of model.safetensors, model.safetensors.index.json and its shards,
/// pytorch_model.bin, or pytorch_model.bin.index.json and its shards: the first of these that is
/// there. `source` gets its path. Throws UserError naming what is missing or malformed.
NamedTensors read_weights(const std::filesystem::path& dir, std::string& source);

/// A tensor's name as this project and transformers 5 know it: `prefix` (e.g. "<encoder>.") before
/// the names of a bare encoder, and the new names of the weight norm.
std::string current_name(const std::string& name, const std::string& prefix);

}  // namespace s2i
