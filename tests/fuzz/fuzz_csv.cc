#include "fuzzing.h"
#include "preprocess/corpus.h"

using namespace s2i;

// The input is train.csv, optionally followed by a line "==intent_info.csv" and that file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const FuzzFolder folder;
  constexpr std::string_view kNext = "==intent_info.csv\n";
  const std::string_view text = text_of(data, size);
  const size_t next = text.find(kNext);
  folder.write("train.csv", text.substr(0, next));
  std::filesystem::remove(folder.path() / "intent_info.csv");
  if (next != text.npos) folder.write("intent_info.csv", text.substr(next + kNext.size()));
  return accept_or_reject([&] {
    CorpusSettings settings;
    settings.folder = folder.path();
    const Corpus corpus = read_corpus(settings, {"train"});
    const CorpusSplit& split = corpus.splits[0];
    for (const CorpusRow& row : split.rows) {
      if (!row.problem.empty()) continue;
      S2I_CHECK(row.label >= 0 && static_cast<size_t>(row.label) < corpus.intents.size());
      S2I_CHECK(row.speaker >= 0 && static_cast<size_t>(row.speaker) < split.speakers.size());
      const auto inside = row.audio.lexically_normal().string();
      S2I_CHECK(inside.starts_with(folder.path().string() + "/"));
    }
  });
}
