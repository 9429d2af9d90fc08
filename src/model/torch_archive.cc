#include "model/torch_archive.h"

#include <ATen/ops/empty.h>
#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "core/error.h"
#include "model/pickle_reader.h"

namespace s2i {
namespace {

constexpr size_t kMaxPickleBytes = 64UL << 20;

/// The first line of LibTorch's messages: the rest is a stack trace.
std::string first_line(const char* text) {
  const std::string_view view(text);
  return std::string(view.substr(0, view.find('\n')));
}

bool is_zip(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw RunError("cannot open {}", path.string());
  char magic[4] = {};
  file.read(magic, sizeof(magic));
  return std::string_view(magic, 4) == std::string_view("PK\x03\x04", 4);
}

class Archive {
 public:
  explicit Archive(const std::filesystem::path& path)
      : file_bytes_(std::filesystem::file_size(path)), reader_(path.string()) {}

  std::string text(const std::string& record, size_t limit) {
    const size_t size = reader_.getRecordSize(record);
    if (size > limit || size > file_bytes_) {
      throw UserError("its record {} claims {} bytes", record, size);
    }
    std::string content(size, '\0');
    reader_.getRecord(record, content.data(), size);
    return content;
  }

  void check_byte_order() {
    if (!reader_.hasRecord("byteorder")) return;
    const std::string order = text("byteorder", 16);
    if (order != "little") throw UserError("its byte order is {}", order);
  }

  /// A storage may serve several tensors; it is read once.
  at::Tensor storage(const PickledStorage& wanted) {
    const auto known = loaded_.find(wanted.key);
    if (known != loaded_.end()) {
      if (known->second.scalar_type() != wanted.type || known->second.numel() != wanted.count) {
        throw UserError("the storage data/{} is named with two types or sizes", wanted.key);
      }
      return known->second;
    }
    const std::string record = "data/" + wanted.key;
    if (!reader_.hasRecord(record)) throw UserError("the record {} is missing", record);
    const size_t size = reader_.getRecordSize(record);
    const size_t item = c10::elementSize(wanted.type);
    if (size > file_bytes_ || size / item != static_cast<size_t>(wanted.count) ||
        size % item != 0) {
      throw UserError("the record {} has {} bytes where {} values are named", record, size,
                      wanted.count);
    }
    at::Tensor tensor = at::empty({wanted.count}, wanted.type);
    if (size > 0) reader_.getRecord(record, tensor.mutable_data_ptr(), size);
    loaded_.emplace(wanted.key, tensor);
    return tensor;
  }

 private:
  size_t file_bytes_;
  caffe2::serialize::PyTorchStreamReader reader_;
  std::map<std::string, at::Tensor> loaded_;
};

}  // namespace

NamedTensors read_torch_archive(const std::filesystem::path& path) {
  if (!is_zip(path)) {
    throw UserError(
        "{} is not a zip archive as torch.save has written since PyTorch 1.6; it may be "
        "cut short, or older: load and save it again with a recent PyTorch",
        path.string());
  }
  try {
    Archive archive(path);
    archive.check_byte_order();
    const std::string pickle = archive.text("data.pkl", kMaxPickleBytes);
    return read_pickled_tensors(
        pickle, [&](const PickledStorage& storage) { return archive.storage(storage); },
        path.string());
  } catch (const UserError& error) {
    const std::string message = error.what();
    if (message.starts_with(path.string())) throw;
    throw UserError("{}: {}", path.string(), message);
  } catch (const c10::Error& error) {
    throw UserError("{} cannot be read as a PyTorch archive; it may be cut short: {}",
                    path.string(), first_line(error.what_without_backtrace()));
  }
}

}  // namespace s2i
