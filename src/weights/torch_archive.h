// pytorch_model.bin without Python: the tensors of a state dict written by torch.save (PyTorch 1.6
// or later: a zip with a pickle inside).
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "weights/pickled_tensors.h"
#include "weights/safetensors.h"

namespace s2i {

/// Gives the one-dimensional tensor of a storage: `count` values of `type`.
using StorageLoader = std::function<at::Tensor(const PickledStorage&)>;

/// The tensors that a pickle describes (pickle_reader.h), contiguous. A storage is loaded as often
/// as it is named.
NamedTensors build_tensors(const std::vector<PickledTensor>& described, const StorageLoader& load);

/// Reads the tensors. The pickle is not executed: a small reader follows the opcodes that describe
/// dicts, lists, numbers, texts and tensors, and refuses every other, as it refuses every global
/// but OrderedDict, the tensor constructors and the storage types. The archive's directory is
/// checked first (zip_directory.h). Throws UserError naming the file and what is wrong with it.
NamedTensors read_torch_archive(const std::filesystem::path& path);

}  // namespace s2i
