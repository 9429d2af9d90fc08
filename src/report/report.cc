#include "report/report.h"

#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "report/audio_clips.h"
#include "report/page_files.h"
#include "report/report_data.h"

namespace s2i {
namespace {

/// JSON that cannot be mistaken for HTML: without "<", neither "</script>" nor "<!--" is in it.
std::string script_json(const OrderedJson& data) {
  const std::string text =
      data.dump(-1, ' ', /*ensure_ascii=*/false, OrderedJson::error_handler_t::replace);
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      escaped += "\\u003c";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string report_page(const OrderedJson& data) {
  const std::string json = script_json(data);
  const std::pair<std::string_view, std::string_view> parts[] = {
      {"/*STYLE*/", page_files::style},
      {"/*CHARTS*/", page_files::charts},
      {"/*SCRIPT*/", page_files::script},
      {"/*TABLES*/", page_files::tables},
      {"/*DATA*/", json},
  };
  std::string page;
  std::string_view rest = page_files::page;
  for (const auto& [mark, part] : parts) {  // in the order of the template
    const size_t at = rest.find(mark);
    S2I_CHECK(at != std::string_view::npos, "no {} in the template", mark);
    page += rest.substr(0, at);
    page += part;
    rest.remove_prefix(at + mark.size());
  }
  return page += rest;
}

void write_report(const std::vector<std::filesystem::path>& runs, const std::filesystem::path& file,
                  const ReportSettings& settings) {
  std::vector<RunFolder> folders;
  for (const auto& run : runs) folders.push_back(read_run_folder(run));
  AudioClips clips(settings.data_dir);
  const auto audio_of = [&](const RunFolder& run, const PredictedUtterance& one) {
    return settings.audio ? clips.of(run, one) : std::string();
  };
  write_file_atomic(file, report_page(report_data(folders, audio_of)));
}

}  // namespace s2i
