// The safetensors format (https://github.com/huggingface/safetensors): a JSON header, then the
// values of all tensors end to end. Nothing in it can be executed.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "weights/named_tensor.h"

namespace s2i {

struct Safetensors {
  NamedTensors tensors;  ///< contiguous, on the CPU, in the order of the file
  std::map<std::string, std::string> metadata;
};

/// Reads every tensor (F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL). The header is checked
/// before anything is allocated: its length, each tensor's type, shape and place, that the tensors
/// cover the data without holes or overlaps, and that no name comes twice. Throws UserError naming
/// the file and what is wrong with it, RunError if it cannot be read.
Safetensors read_safetensors(const std::filesystem::path& path);

/// Writes tensors of any device (as contiguous CPU values) durably and atomically (core/files.h),
/// in the given order, without holding a second copy of them all. Throws RunError.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace s2i
