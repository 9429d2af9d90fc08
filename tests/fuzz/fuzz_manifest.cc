#include "data/manifest.h"
#include "fuzzing.h"

using namespace s2i;

// The input is manifest.json.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const FuzzFolder folder;
  folder.write(kManifestFile, text_of(data, size));
  return accept_or_reject([&] {
    const Manifest manifest = read_manifest(folder.path());
    uint64_t utterances = 0;
    for (const ShardEntry& entry : manifest.shards) {
      S2I_CHECK(entry.file.find('/') == entry.file.npos && entry.file.starts_with("shard-"));
      S2I_CHECK(!__builtin_add_overflow(utterances, entry.utterances, &utterances));
    }
  });
}
