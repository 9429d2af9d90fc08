#include "report/json_lines.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>

#include "core/error.h"
#include "core/files.h"

namespace s2i {

void for_each_json_line(
    const std::filesystem::path& file,
    const std::function<void(const Json& line, const std::string& where)>& use) {
  static_cast<void>(FileDescriptor::open_read(file));  // for the message
  std::ifstream stream(file, std::ios::binary);
  int64_t number = 0;
  for (std::string text; std::getline(stream, text);) {
    if (stream.eof()) break;
    const std::string where = fmt::format("{}: line {}", file.string(), ++number);
    const Json line = parse_json(text, where);
    if (!line.is_object()) throw UserError("{}: is not a JSON object", where);
    use(line, where);
  }
  if (stream.bad()) throw RunError("cannot read {}: {}", file.string(), errno_text(errno));
}

}  // namespace s2i
