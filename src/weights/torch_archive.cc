#include "weights/torch_archive.h"

#include <ATen/ops/empty.h>
#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <map>
#include <span>
#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "weights/pickle_reader.h"
#include "weights/scalar_type.h"
#include "weights/zip_directory.h"

namespace s2i {
namespace {

constexpr size_t kMaxPickleBytes = 16UL << 20;

/// The first line of LibTorch's messages: the rest is a stack trace.
std::string first_line(const char* text) {
  const std::string_view view(text);
  return std::string(view.substr(0, view.find('\n')));
}

bool is_zip(const ByteSource& file) {
  constexpr std::string_view kMagic = "PK\x03\x04";
  std::string start(kMagic.size(), '\0');
  if (file.size() < start.size()) return false;
  file.read(0, std::as_writable_bytes(std::span(start)));
  return start == kMagic;
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
    if (known != loaded_.end()) return known->second;
    const std::string record = "data/" + wanted.key;
    if (!reader_.hasRecord(record)) throw UserError("the record {} is missing", record);
    const size_t size = reader_.getRecordSize(record);
    const size_t item = bytes_of(wanted.type);
    if (size > file_bytes_ || size / item != static_cast<size_t>(wanted.count) ||
        size % item != 0) {
      throw UserError("the record {} has {} bytes where {} values are named", record, size,
                      wanted.count);
    }
    at::Tensor tensor = at::empty({wanted.count}, scalar_type(wanted.type));
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

NamedTensors build_tensors(const std::vector<PickledTensor>& described, const StorageLoader& load) {
  NamedTensors tensors;
  for (const PickledTensor& t : described) {
    const at::Tensor storage = load(t.storage);
    const bool empty = std::find(t.sizes.begin(), t.sizes.end(), 0) != t.sizes.end();
    tensors.emplace_back(t.name,
                         empty ? storage.narrow(0, 0, 0).reshape(t.sizes)
                               : storage.as_strided(t.sizes, t.strides, t.offset).contiguous());
  }
  return tensors;
}

NamedTensors read_torch_archive(const std::filesystem::path& path) {
  const InputFile file(path);
  if (!is_zip(file)) {
    throw UserError(
        "{} is not a zip archive as torch.save has written since PyTorch 1.6; it may be "
        "cut short, or older: load and save it again with a recent PyTorch",
        path.string());
  }
  read_zip_directory(file, path.string());
  try {
    Archive archive(path);
    archive.check_byte_order();
    const std::string pickle = archive.text("data.pkl", kMaxPickleBytes);
    return build_tensors(read_pickled_tensors(pickle, path.string()),
                         [&](const PickledStorage& storage) { return archive.storage(storage); });
  } catch (const UserError& error) {
    const std::string message = error.what();
    if (message.starts_with(path.string())) throw;
    throw UserError("{}: {}", path.string(), message);
  } catch (const c10::Error& error) {
    throw UserError("{} cannot be read as a PyTorch archive; it may be cut short: {}",
                    path.string(), first_line(error.what_without_backtrace()));
  } catch (const std::logic_error& error) {  // its version is no number
    throw UserError("{} cannot be read as a PyTorch archive: {}", path.string(), error.what());
  }
}

}  // namespace s2i
