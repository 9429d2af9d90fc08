#include <algorithm>

#include "fuzzing.h"
#include "report/report.h"
#include "report/report_data.h"

using namespace s2i;

namespace {

/// The file of a run folder that a byte selects.
const char* file_name(uint8_t byte) {
  switch (byte) {
    case 'm':
      return "metrics.jsonl";
    case 'v':
      return "validation.jsonl";
    case 'e':
      return "evaluation.json";
    case 'p':
      return "predictions.csv";
    case 'n':
      return "environment.json";
    default:
      return "config.yaml";
  }
}

}  // namespace

// The first byte selects the file; the rest is its content. The other files are missing.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const FuzzFolder folder;
  if (size == 0) return 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    std::filesystem::remove_all(entry);
  }
  folder.write("config.yaml", "data: {test_split: test}\n");
  folder.write(file_name(data[0]), text_of(data + 1, size - 1));
  return accept_or_reject([&] {
    const auto no_audio = [](const RunFolder&, const PredictedUtterance&) { return ""; };
    const std::string page = report_page(report_data({read_run_folder(folder.path())}, no_audio));
    const std::string_view json = std::string_view(page).substr(page.rfind("id=\"data\">"));
    S2I_CHECK(std::ranges::count(json.substr(0, json.find("</script>")), '<') == 0);
  });
}
