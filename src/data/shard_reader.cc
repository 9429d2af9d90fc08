#include <algorithm>
#include <cstring>

#include "core/checksum.h"
#include "core/error.h"
#include "data/hdf5_handle.h"
#include "data/shard.h"

namespace s2i {
namespace {

/// Why a file is not a sound shard; becomes a UserError with the file's name.
class BadShard : public std::runtime_error {
 public:
  template <typename... Args>
  explicit BadShard(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
};

struct Table {
  Hdf5Handle dataset;
  uint64_t count;
};

/// Opens a one-dimensional contiguous dataset inside the file. Nothing is allocated by what the
/// file claims: a contiguous dataset is no larger than the file.
Table open_table(hid_t file, const char* name, uint64_t element_bytes, uint64_t file_bytes) {
  // A soft or external link would lead on to another place, or to another file.
  H5L_info_t link{};
  hdf5_check(H5Lget_info(file, name, &link, H5P_DEFAULT), std::string("find /") + name);
  if (link.type != H5L_TYPE_HARD) throw BadShard("/{} is a link", name);
  Hdf5Handle dataset(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose, std::string("open /") + name);
  const Hdf5Handle properties(H5Dget_create_plist(dataset.get()), H5Pclose, "read the layout");
  if (H5Pget_layout(properties.get()) != H5D_CONTIGUOUS)
    throw BadShard("/{} is not contiguous", name);
  if (hdf5_check(H5Pget_external_count(properties.get()), "read the layout") != 0) {
    throw BadShard("/{} lies in another file", name);
  }
  const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose, "read the shape");
  hsize_t count = 0;
  if (H5Sget_simple_extent_ndims(space.get()) != 1 ||
      H5Sget_simple_extent_dims(space.get(), &count, nullptr) != 1) {
    throw BadShard("/{} is not one-dimensional", name);
  }
  if (count > file_bytes / element_bytes) {
    throw BadShard("/{} claims {} elements, more than the file holds", name, count);
  }
  return {std::move(dataset), count};
}

template <typename T>
std::vector<T> read_table(hid_t file, const char* name, hid_t file_type, hid_t memory_type,
                          uint64_t file_bytes) {
  const Table table = open_table(file, name, sizeof(T), file_bytes);
  const Hdf5Handle type(H5Dget_type(table.dataset.get()), H5Tclose, "read the type");
  if (H5Tequal(type.get(), file_type) <= 0) throw BadShard("/{} has the wrong type", name);
  std::vector<T> values(table.count);
  if (table.count > 0) {
    hdf5_check(
        H5Dread(table.dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
        std::string("read /") + name);
  }
  return values;
}

std::vector<std::string> read_ids(hid_t file, uint64_t file_bytes) {
  const Table table = open_table(file, "id", 1, file_bytes);
  const Hdf5Handle type(H5Dget_type(table.dataset.get()), H5Tclose, "read the type");
  const size_t width = H5Tget_size(type.get());
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 || width == 0 ||
      width > kMaxIdBytes + 1) {
    throw BadShard("/id has the wrong type");
  }
  if (table.count > file_bytes / width) throw BadShard("/id claims more than the file holds");
  std::vector<char> text(table.count * width);
  if (table.count > 0) {
    hdf5_check(H5Dread(table.dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()),
               "read /id");
  }
  std::vector<std::string> ids;
  ids.reserve(table.count);
  for (uint64_t i = 0; i < table.count; ++i) {
    const char* const start = text.data() + i * width;
    ids.emplace_back(start, ::strnlen(start, width));
  }
  return ids;
}

std::string read_text_attribute(hid_t file, const char* name) {
  constexpr size_t kMaxBytes = 4096;
  const Hdf5Handle attribute(H5Aopen(file, name, H5P_DEFAULT), H5Aclose,
                             std::string("open the attribute ") + name);
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose, "read the type");
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose, "read the shape");
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) <= 0 ||
      H5Sget_simple_extent_npoints(space.get()) != 1) {
    throw BadShard("the attribute {} is not a text", name);
  }
  char* text = nullptr;
  hdf5_check(H5Aread(attribute.get(), type.get(), &text),
             std::string("read the attribute ") + name);
  if (text == nullptr) return "";
  std::string copy(text, ::strnlen(text, kMaxBytes));
  H5free_memory(text);
  return copy;
}

std::vector<uint32_t> read_number_attribute(hid_t file, const char* name, uint64_t max_count) {
  const Hdf5Handle attribute(H5Aopen(file, name, H5P_DEFAULT), H5Aclose,
                             std::string("open the attribute ") + name);
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose, "read the type");
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose, "read the shape");
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (H5Tget_class(type.get()) != H5T_INTEGER || count < 0 ||
      static_cast<uint64_t>(count) > max_count) {
    throw BadShard("the attribute {} is not a number", name);
  }
  std::vector<uint32_t> values(static_cast<size_t>(count));
  if (count > 0) {
    hdf5_check(H5Aread(attribute.get(), H5T_NATIVE_UINT32, values.data()),
               std::string("read the attribute ") + name);
  }
  return values;
}

uint32_t read_scalar_attribute(hid_t file, const char* name) {
  const auto values = read_number_attribute(file, name, 1);
  if (values.empty()) throw BadShard("the attribute {} is empty", name);
  return values.front();
}

void read_header(hid_t file, ShardHeader& header) {
  constexpr uint64_t kMaxRates = 4096;
  if (read_text_attribute(file, "format") != kShardFormat) throw BadShard("it has another format");
  const uint32_t version = read_scalar_attribute(file, "version");
  if (version != kShardVersion) {
    throw BadShard("it has version {}, this program reads version {}", version, kShardVersion);
  }
  header.split = read_text_attribute(file, "split");
  header.sample_rate = read_scalar_attribute(file, "sample_rate");
  header.source_rates = read_number_attribute(file, "source_rates", kMaxRates);
  header.resampler = read_text_attribute(file, "resampler");
}

void check_offsets(const std::vector<uint64_t>& offset, uint64_t samples) {
  if (offset.empty() || offset.front() != 0) throw BadShard("/offset does not begin at 0");
  for (size_t i = 1; i < offset.size(); ++i) {
    if (offset[i] <= offset[i - 1]) throw BadShard("/offset does not rise at {}", i);
  }
  if (offset.back() != samples) {
    throw BadShard("/offset ends at {}, /audio has {} samples", offset.back(), samples);
  }
}

}  // namespace

uint64_t tables_checksum(std::span<const std::byte> file, uint64_t audio_start,
                         uint64_t audio_bytes) {
  ChecksumStream stream;
  stream.update(file.first(audio_start));
  stream.update(file.subspan(audio_start + audio_bytes));
  return stream.value();
}

Shard::Shard(const std::filesystem::path& folder, const ShardEntry& entry, SampleType type)
    : path_(folder / entry.file) {
  header_.sample_type = type;
  try {
    if (std::filesystem::is_symlink(path_) && !leads_below(path_, folder)) {
      throw BadShard("it is a link out of its folder");
    }
    file_ = MappedFile(path_);
    check_tables(entry);
    read_tables(entry.audio_start);
  } catch (const std::runtime_error& error) {
    throw UserError("{}: {}; run s2i-preprocess again", path_.string(), error.what());
  }
}

void Shard::check_tables(const ShardEntry& entry) const {
  if (file_bytes() != entry.bytes) {
    throw BadShard("it has {} bytes, the manifest says {}", file_bytes(), entry.bytes);
  }
  const uint64_t width = bytes_per_sample(header_.sample_type);
  if (entry.audio_start > entry.bytes ||
      entry.samples > (entry.bytes - entry.audio_start) / width) {
    throw BadShard("the manifest has its samples behind its end");
  }
  const uint64_t found = tables_checksum(file_.bytes(), entry.audio_start, entry.samples * width);
  if (found != entry.tables_checksum) {
    throw BadShard("damaged: the checksum of its tables is {}, the manifest says {}",
                   checksum_text(found), checksum_text(entry.tables_checksum));
  }
}

void Shard::read_tables(uint64_t audio_start) {
  const Hdf5Lock lock;
  const uint64_t bytes = file_bytes();
  const Hdf5Handle access = file_access_properties();
  const Hdf5Handle file(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose,
                        "open it as HDF5");
  read_header(file.get(), header_);
  offset_ = read_table<uint64_t>(file.get(), "offset", H5T_STD_U64LE, H5T_NATIVE_UINT64, bytes);
  label_ = read_table<int32_t>(file.get(), "label", H5T_STD_I32LE, H5T_NATIVE_INT32, bytes);
  speaker_ = read_table<int32_t>(file.get(), "speaker", H5T_STD_I32LE, H5T_NATIVE_INT32, bytes);
  checksum_ = read_table<uint64_t>(file.get(), "checksum", H5T_STD_U64LE, H5T_NATIVE_UINT64, bytes);
  id_ = read_ids(file.get(), bytes);
  if (label_.size() + 1 != offset_.size() || speaker_.size() != label_.size() ||
      id_.size() != label_.size() || checksum_.size() != label_.size()) {
    throw BadShard("its tables have different lengths");
  }

  const Table audio = open_table(file.get(), "audio", 2, bytes);
  const Hdf5Handle type(H5Dget_type(audio.dataset.get()), H5Tclose, "read the type");
  const bool is_int16 = header_.sample_type == SampleType::kInt16;
  if (H5Tequal(type.get(), is_int16 ? H5T_STD_I16LE : H5T_IEEE_F32LE) <= 0) {
    throw BadShard("/audio is not {}", sample_type_name(header_.sample_type));
  }
  check_offsets(offset_, audio.count);
  if (audio.count == 0) return;
  const uint64_t width = bytes_per_sample(header_.sample_type);
  const haddr_t start = H5Dget_offset(audio.dataset.get());
  if (start == HADDR_UNDEF || start > bytes || audio.count > (bytes - start) / width) {
    throw BadShard("/audio reaches behind the end of the file");
  }
  if (start != audio_start) throw BadShard("/audio begins at {}, not at {}", start, audio_start);
  audio_ = file_.bytes().subspan(start, audio.count * width);
}

std::span<const std::byte> Shard::sample_bytes(size_t i) const {
  const uint64_t width = bytes_per_sample(header_.sample_type);
  return audio_.subspan(offset_[i] * width, num_samples(i) * width);
}

}  // namespace s2i
