// pytorch_model.bin without Python: the tensors of a state dict written by torch.save (PyTorch 1.6
// or later: a zip with a pickle inside).
#pragma once

#include <filesystem>

#include "model/safetensors.h"

namespace s2i {

/// Reads the tensors. The pickle is not executed: a small reader follows the opcodes that describe
/// dicts, lists, numbers, texts and tensors, and refuses every other, as it refuses every global
/// but OrderedDict, the tensor constructors and the storage types. Throws UserError naming the file
/// and what is wrong with it.
NamedTensors read_torch_archive(const std::filesystem::path& path);

}  // namespace s2i
