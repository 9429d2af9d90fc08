#include <algorithm>
#include <cstring>
#include <vector>

#include "core/checksum.h"
#include "core/files.h"
#include "data/dataset.h"
#include "data/hdf5_handle.h"
#include "data/shard_files.h"
#include "fuzzing.h"

using namespace s2i;

namespace {

/// A shard of three utterances and where its tables lie in the file.
struct Good {
  explicit Good(const std::filesystem::path& folder) {
    const std::vector<TestUtterance> utterances = {
        {"a", 0, 1, {1, -2, 3}}, {"bb", 1, 0, {32767, -32768}}, {"ccc", 1, 1, {5, 6, 7, 8}}};
    entry = write_test_shard(folder, 0, utterances);
    bytes = read_file(folder / entry.file, 1 << 20);
    const Hdf5Handle file(H5Fopen((folder / entry.file).c_str(), H5F_ACC_RDONLY, H5P_DEFAULT),
                          H5Fclose, "open");
    for (const char* name : {"offset", "label", "speaker", "id", "checksum"}) {
      const Hdf5Handle table(H5Dopen2(file.get(), name, H5P_DEFAULT), H5Dclose, "open");
      tables.push_back({H5Dget_offset(table.get()), H5Dget_storage_size(table.get())});
    }
  }

  struct Place {
    uint64_t start, bytes;
  };
  ShardEntry entry;
  std::string bytes;
  std::vector<Place> tables;
};

}  // namespace

// The bytes go over the tables of a good shard, end to end, and then over its manifest's entry; the
// checksum is made to fit. HDF5's own structures stay as they are: see docs/reliability.md.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const FuzzFolder folder;
  static const Good good(folder.path());
  std::string file = good.bytes;
  ShardEntry entry = good.entry;
  const auto take = [&](char* to, size_t count) {
    const size_t n = std::min(count, size);
    std::memcpy(to, data, n);
    data += n;
    size -= n;
  };
  for (const auto& table : good.tables) take(file.data() + table.start, table.bytes);
  for (uint64_t* number : {&entry.samples, &entry.audio_start, &entry.utterances, &entry.bytes}) {
    if (size > 0) take(reinterpret_cast<char*>(number), sizeof(*number));
  }
  constexpr uint64_t kSampleBytes = 2;
  if (entry.audio_start <= file.size() &&
      entry.samples <= (file.size() - entry.audio_start) / kSampleBytes) {
    entry.tables_checksum = tables_checksum(std::as_bytes(std::span(file)), entry.audio_start,
                                            entry.samples * kSampleBytes);
  }
  folder.write(entry.file, file);
  return read_or_refuse([&] {
    const Shard shard(folder.path(), entry, SampleType::kInt16);
    Manifest manifest;
    manifest.intents = {"ask", "pay"};
    manifest.speakers = {"ann", "bob"};
    manifest.sample_rate = 16000;
    manifest.split = "train";
    const std::string problem = compare_with_manifest(shard, entry, manifest);
    uint64_t samples = 0;
    for (size_t i = 0; i < shard.size(); ++i) {
      S2I_CHECK(shard.id(i).size() <= kMaxIdBytes);
      checksum(shard.sample_bytes(i));
      samples += shard.num_samples(i);
    }
    S2I_CHECK(!problem.empty() || (samples == entry.samples && shard.size() == entry.utterances));
  });
}
