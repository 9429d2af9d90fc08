#include <fcntl.h>
#include <sys/mman.h>  // memfd_create
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"
#include "data/hdf5_handle.h"
#include "data/shard.h"

namespace s2i {
namespace {

static_assert(std::endian::native == std::endian::little,
              "shards are written without byte swapping");

/// Dataset creation properties: contiguous, allocated early, no fill values, no timestamps.
Hdf5Handle contiguous_properties() {
  Hdf5Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "create dataset properties");
  hdf5_check(H5Pset_layout(properties.get(), H5D_CONTIGUOUS), "set the layout");
  hdf5_check(H5Pset_alloc_time(properties.get(), H5D_ALLOC_TIME_EARLY), "set the allocation time");
  hdf5_check(H5Pset_fill_time(properties.get(), H5D_FILL_TIME_NEVER), "set the fill time");
  hdf5_check(H5Pset_obj_track_times(properties.get(), false), "disable timestamps");
  return properties;
}

Hdf5Handle create_dataset(hid_t file, const char* name, hid_t type, uint64_t count) {
  const hsize_t length = count;
  const Hdf5Handle space(H5Screate_simple(1, &length, nullptr), H5Sclose, "create a dataspace");
  const Hdf5Handle properties = contiguous_properties();
  const Hdf5Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "create link properties");
  hdf5_check(H5Pset_create_intermediate_group(links.get(), 1), "set the creation of groups");
  hdf5_check(H5Pset_char_encoding(links.get(), H5T_CSET_UTF8), "set the encoding of names");
  return {H5Dcreate2(file, name, type, space.get(), links.get(), properties.get(), H5P_DEFAULT),
          H5Dclose, std::string("create ") + name};
}

/// Returns the table's file offset.
template <typename T>
uint64_t write_table(hid_t file, const char* name, hid_t file_type, hid_t memory_type,
                     const std::vector<T>& values, uint64_t count) {
  const Hdf5Handle dataset = create_dataset(file, name, file_type, count);
  if (count == 0) return 0;
  hdf5_check(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
             std::string("write ") + name);
  const haddr_t start = H5Dget_offset(dataset.get());
  S2I_CHECK(start != HADDR_UNDEF);
  return start;
}

Hdf5Handle string_type(size_t bytes) {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "create a string type");
  hdf5_check(H5Tset_size(type.get(), bytes), "set the size of a string type");
  hdf5_check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "set the character set of a string type");
  hdf5_check(H5Tset_strpad(type.get(), H5T_STR_NULLTERM), "set the padding of a string type");
  return type;
}

void write_ids(hid_t file, std::span<const ShardUtterance> utterances, ShardLayout& layout) {
  size_t width = 1;  // includes a null terminator, which h5dump and C programs expect
  for (const auto& utterance : utterances) width = std::max(width, utterance.id.size() + 1);
  S2I_CHECK(width <= kMaxIdBytes + 1);
  std::vector<char> text(width * utterances.size(), '\0');
  for (size_t i = 0; i < utterances.size(); ++i) {
    std::memcpy(text.data() + i * width, utterances[i].id.data(), utterances[i].id.size());
  }
  const Hdf5Handle type = string_type(width);
  layout.id = write_table(file, "id", type.get(), type.get(), text, utterances.size());
  layout.id_bytes = width;
}

void write_text_attribute(hid_t file, const char* name, const std::string& text) {
  const Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "create a string type");
  hdf5_check(H5Tset_size(type.get(), H5T_VARIABLE), "set the size of a string type");
  hdf5_check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "set the character set of a string type");
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose, "create a dataspace");
  const Hdf5Handle attribute(
      H5Acreate2(file, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
      std::string("create the attribute ") + name);
  const char* const value = text.c_str();
  hdf5_check(H5Awrite(attribute.get(), type.get(), &value), std::string("write ") + name);
}

void write_number_attribute(hid_t file, const char* name, std::span<const uint32_t> values,
                            bool scalar) {
  const hsize_t length = values.size();
  const Hdf5Handle space(scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &length, nullptr),
                         H5Sclose, "create a dataspace");
  const Hdf5Handle attribute(
      H5Acreate2(file, name, H5T_STD_U32LE, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
      std::string("create the attribute ") + name);
  if (values.empty()) return;
  hdf5_check(H5Awrite(attribute.get(), H5T_NATIVE_UINT32, values.data()),
             std::string("write ") + name);
}

void write_attributes(hid_t file, const ShardHeader& header) {
  write_text_attribute(file, "format", kShardFormat);
  write_number_attribute(file, "version", std::array{kShardVersion}, true);
  write_text_attribute(file, "generator", std::string("s2i-preprocess ") + S2I_VERSION);
  write_text_attribute(file, "split", header.split);
  write_number_attribute(file, "sample_rate", std::array{header.sample_rate}, true);
  write_number_attribute(file, "source_rates", header.source_rates, false);
  write_text_attribute(file, "resampler", header.resampler);
  write_text_attribute(file, "channel", channel_name(header.channel));
}

void write_columns(hid_t file, const std::vector<std::string>& names,
                   std::span<const ShardUtterance> utterances, ShardLayout& layout) {
  for (size_t column = 0; column < names.size(); ++column) {
    std::vector<int32_t> values;
    values.reserve(utterances.size());
    for (const auto& utterance : utterances) values.push_back(utterance.columns.at(column));
    layout.columns.push_back(write_table(file, ("columns/" + names[column]).c_str(), H5T_STD_I32LE,
                                         H5T_NATIVE_INT32, values, utterances.size()));
  }
}

ShardLayout write_tables(hid_t file, const std::vector<std::string>& columns,
                         std::span<const ShardUtterance> utterances,
                         const std::vector<uint64_t>& offset) {
  const uint64_t count = utterances.size();
  std::vector<int32_t> label;
  std::vector<int32_t> speaker;
  std::vector<uint64_t> sums;
  for (const auto& utterance : utterances) {
    label.push_back(utterance.label);
    speaker.push_back(utterance.speaker);
    sums.push_back(utterance.checksum);
  }
  ShardLayout layout;
  layout.offset = write_table(file, "offset", H5T_STD_U64LE, H5T_NATIVE_UINT64, offset, count + 1);
  layout.label = write_table(file, "label", H5T_STD_I32LE, H5T_NATIVE_INT32, label, count);
  layout.speaker = write_table(file, "speaker", H5T_STD_I32LE, H5T_NATIVE_INT32, speaker, count);
  write_columns(file, columns, utterances, layout);
  write_ids(file, utterances, layout);
  layout.checksum = write_table(file, "checksum", H5T_STD_U64LE, H5T_NATIVE_UINT64, sums, count);
  return layout;
}

/// An HDF5 file in memory with space reserved for the samples.
struct ShardTemplate {
  FileDescriptor file;
  uint64_t audio_start = 0;
  uint64_t audio_bytes = 0;
  ShardLayout layout;
};

/// HDF5 only writes to a file in memory. On a full disk HDF5 1.10.8 crashes or loops forever when
/// it closes a file.
ShardTemplate make_template(const ShardHeader& header, std::span<const ShardUtterance> utterances,
                            const std::vector<uint64_t>& offset) {
  constexpr hsize_t kPage = 4096;
  ShardTemplate shard;
  shard.audio_bytes = offset.back() * bytes_per_sample(header.sample_type);
  shard.file = FileDescriptor(::memfd_create("s2i-shard", MFD_CLOEXEC));
  if (shard.file.get() < 0) throw RunError("cannot create a file in memory: {}", errno_text(errno));
  const std::string path = fmt::format("/proc/self/fd/{}", shard.file.get());
  const Hdf5Lock lock;
  const Hdf5Handle access = file_access_properties();
  // The default driver calls realpath(), which fails for a file in memory.
  hdf5_check(H5Pset_fapl_stdio(access.get()), "choose the file driver");
  hdf5_check(H5Pset_alignment(access.get(), std::max<hsize_t>(shard.audio_bytes, kPage), kPage),
             "set the alignment");
  Hdf5Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose,
                  "create a shard");
  write_attributes(file.get(), header);
  shard.layout = write_tables(file.get(), header.columns, utterances, offset);
  {
    const hid_t type = header.sample_type == SampleType::kInt16 ? H5T_STD_I16LE : H5T_IEEE_F32LE;
    const Hdf5Handle audio = create_dataset(file.get(), "audio", type, offset.back());
    if (shard.audio_bytes > 0) shard.audio_start = H5Dget_offset(audio.get());
    S2I_CHECK(shard.audio_start != HADDR_UNDEF);
  }
  file.close("close a shard");
  return shard;
}

/// Writes all buffers, also when writev() returns early.
void write_all(int file, std::vector<iovec> buffers, const std::filesystem::path& path) {
  constexpr size_t kMaxBuffers = 512;  // below IOV_MAX of every system
  for (size_t next = 0; next < buffers.size();) {
    const size_t batch = std::min(kMaxBuffers, buffers.size() - next);
    const ssize_t count = ::writev(file, buffers.data() + next, static_cast<int>(batch));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw RunError("cannot write {}: {}", path.string(), errno_text(errno));
    auto left = static_cast<size_t>(count);
    while (next < buffers.size() && left >= buffers[next].iov_len) left -= buffers[next++].iov_len;
    if (left > 0) {
      buffers[next].iov_base = static_cast<char*>(buffers[next].iov_base) + left;
      buffers[next].iov_len -= left;
    }
  }
}

iovec buffer_of(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

/// Copies the template to `path` with the samples inserted.
void write_file(const std::filesystem::path& path, const ShardTemplate& shard,
                std::span<const ShardUtterance> utterances) {
  const InputFile source("/proc/self/fd/" + std::to_string(shard.file.get()));
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0) throw RunError("cannot write {}: {}", path.string(), errno_text(errno));
  const uint64_t audio_end = shard.audio_start + shard.audio_bytes;
  S2I_CHECK(audio_end <= source.size());
  std::vector<std::byte> head(shard.audio_start);
  std::vector<std::byte> tail(source.size() - audio_end);
  source.read(0, head);
  source.read(audio_end, tail);
  std::vector<iovec> buffers{buffer_of(head)};
  for (const auto& utterance : utterances) buffers.push_back(buffer_of(utterance.samples));
  buffers.push_back(buffer_of(tail));
  write_all(file.get(), std::move(buffers), path);
  if (::fsync(file.get()) != 0) {
    throw RunError("cannot flush {} to the device: {}", path.string(), errno_text(errno));
  }
}

}  // namespace

ShardEntry write_shard(const std::filesystem::path& folder, size_t index, const ShardHeader& header,
                       std::span<const ShardUtterance> utterances) {
  const size_t width = bytes_per_sample(header.sample_type);
  std::vector<uint64_t> offset{0};
  for (const auto& utterance : utterances) {
    S2I_CHECK(utterance.samples.size() % width == 0 && !utterance.samples.empty());
    offset.push_back(offset.back() + utterance.samples.size() / width);
  }
  const std::filesystem::path temporary =
      unique_temporary(folder / fmt::format("shard-{:05}.h5", index));
  try {
    const ShardTemplate shard = make_template(header, utterances, offset);
    write_file(temporary, shard, utterances);
    const InputFile written(temporary);
    ShardEntry entry;
    entry.checksum = checksum_file(temporary);
    entry.tables_checksum = tables_checksum(written, shard.audio_start, shard.audio_bytes);
    entry.layout = shard.layout;
    entry.file =
        fmt::format("shard-{:05}-{}.h5", index, checksum_text(entry.checksum).substr(0, 8));
    entry.utterances = utterances.size();
    entry.samples = offset.back();
    entry.bytes = written.size();
    entry.audio_start = shard.audio_start;
    rename_durable(temporary, folder / entry.file);
    return entry;
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

}  // namespace s2i
