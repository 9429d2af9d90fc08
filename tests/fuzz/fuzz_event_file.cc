#include "core/files.h"
#include "fuzzing.h"
#include "tensorboard/event_folder.h"
#include "tensorboard/record.h"

using namespace s2i;

namespace {

constexpr int64_t kResumeStep = 3;

/// Checks that the file has only events that count when a run has resumed.
void check_file(const FuzzFolder& folder, std::string_view content) {
  const auto path = folder.write("events.out.tfevents.0000000001", content);
  std::filesystem::remove(folder.path() / "events.out.tfevents.0000000002");
  const tensorboard::EventFolder events(
      folder.path(), kResumeStep + 1,
      [](const tensorboard::EventHead& event) { return event.step <= kResumeStep; });
  if (!std::filesystem::exists(path)) return;
  const std::string kept = read_file(path, 1 << 24);
  size_t bytes = 0;
  for (const auto data : tensorboard::records_of(kept)) {
    const auto head = tensorboard::event_head(data);
    S2I_CHECK(head.tag.empty() || head.step <= kResumeStep);
    bytes += tensorboard::to_record(data).size();
  }
  S2I_CHECK(bytes == kept.size());
}

}  // namespace

// The first byte selects whether the rest is a file or the data of a record with valid checksums.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const FuzzFolder folder;
  if (size == 0) return 0;
  const std::string_view rest = text_of(data + 1, size - 1);
  return accept_or_reject([&] {
    check_file(folder, data[0] == 'f' ? std::string(rest) : tensorboard::to_record(rest));
  });
}
