#include <algorithm>
#include <vector>

#include "core/checksum.h"
#include "core/files.h"
#include "data/dataset.h"
#include "data/shard_files.h"
#include "fuzzing.h"

using namespace s2i;

namespace {

struct ValidShard {
  explicit ValidShard(const std::filesystem::path& folder) {
    const std::vector<TestUtterance> utterances = {{"a", 0, 1, {1, -2, 3}, {0}},
                                                   {"bb", 1, 0, {32767, -32768}, {1}},
                                                   {"ccc", 1, 1, {5, 6, 7, 8}, {1}}};
    entry = write_test_shard(folder, 0, utterances, kTestHeader);
    bytes = read_file(folder / entry.file, 1 << 20);
  }

  ShardEntry entry;
  std::string bytes;
};

}  // namespace

// The input is XORed onto the manifest entry and then the file of a valid shard, so that zero bytes
// change nothing. The table checksum is recomputed, as an attacker could do.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const FuzzFolder folder;
  static const ValidShard valid(folder.path());
  std::string file = valid.bytes;
  ShardEntry entry = valid.entry;
  const auto change = [&](std::span<std::byte> bytes) {
    const size_t count = std::min(bytes.size(), size);
    for (size_t i = 0; i < count; ++i) bytes[i] ^= std::byte(data[i]);
    data += count;
    size -= count;
  };
  ShardLayout& layout = entry.layout;
  for (uint64_t* number : {&entry.utterances, &entry.samples, &entry.bytes, &entry.audio_start,
                           &layout.offset, &layout.label, &layout.speaker, &layout.id,
                           &layout.id_bytes, &layout.checksum, &layout.columns[0]}) {
    change(std::as_writable_bytes(std::span(number, 1)));
  }
  change(std::as_writable_bytes(std::span(file)));
  constexpr uint64_t kSampleBytes = 2;
  if (entry.audio_start <= file.size() &&
      entry.samples <= (file.size() - entry.audio_start) / kSampleBytes) {
    entry.tables_checksum = tables_checksum(MemorySource(std::as_bytes(std::span(file))),
                                            entry.audio_start, entry.samples * kSampleBytes);
  }
  folder.write(entry.file, file);
  return accept_or_reject([&] {
    const Shard shard(folder.path(), entry, SampleType::kInt16);
    Manifest manifest;
    manifest.intents = {"ask", "pay"};
    manifest.speakers = {"ann", "bob"};
    manifest.columns = {{"template", {"how much", "pay it"}}};
    const std::string problem = check_label_ranges(shard, manifest);
    S2I_CHECK(shard.size() == entry.utterances);
    uint64_t samples = 0;
    for (size_t i = 0; i < shard.size(); ++i) {
      S2I_CHECK(shard.id(i).size() <= kMaxIdBytes + 1);
      S2I_CHECK(shard.samples_start(i) == entry.audio_start + samples * kSampleBytes);
      samples += shard.num_samples(i);
      S2I_CHECK(entry.audio_start + samples * kSampleBytes <= file.size());
    }
    S2I_CHECK(samples == entry.samples);
    if (problem.empty()) content_checksum(manifest, std::span(&shard, 1));
  });
}
