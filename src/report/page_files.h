// The files of the page, which the build puts into the library (cmake/EmbedFile.cmake).
#pragma once

#include <string_view>

namespace s2i::page_files {

extern const std::string_view page;    ///< page/report.html: the template
extern const std::string_view style;   ///< page/report.css
extern const std::string_view script;  ///< page/report.js
extern const std::string_view tables;  ///< page/tables.js
extern const std::string_view charts;  ///< Chart.js

}  // namespace s2i::page_files
