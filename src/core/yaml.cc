#include "core/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

#include <sstream>

#include "core/error.h"

namespace s2i {
namespace {

/// Refuses, before a document is built, what no configuration needs and what lets a small file take
/// much memory: aliases, which repeat what they name, and deep nesting.
class PlainYaml : public YAML::EventHandler {
 public:
  explicit PlainYaml(const std::string& where) : where_(where) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw UserError("{}: an alias (*name); write the value out", place(where_, mark));
  }
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    descend(mark);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    descend(mark);
  }
  void OnMapEnd() override { --depth_; }

 private:
  void descend(const YAML::Mark& mark) {
    constexpr int kMaxDepth = 16;
    if (++depth_ > kMaxDepth) {
      throw UserError("{}: nested deeper than {}", place(where_, mark), kMaxDepth);
    }
  }

  const std::string& where_;
  int depth_ = 0;
};

/// The number of the first line with a tab in its indentation, or 0.
int line_indented_by_tab(const std::string& text) {
  std::istringstream stream(text);
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    const size_t start = line.find_first_not_of(" \t");
    if (start == std::string::npos || line[start] == '#') continue;
    if (line.find('\t') < start) return number;
  }
  return 0;
}

}  // namespace

std::string place(const std::string& where, const YAML::Mark& mark) {
  return mark.is_null() ? where : fmt::format("{}:{}", where, mark.line + 1);
}

YAML::Node parse_yaml(const std::string& text, const std::string& where) {
  if (text.size() > kMaxYamlBytes) {
    throw UserError("{}: larger than the limit of {} bytes", where, kMaxYamlBytes);
  }
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    PlainYaml events(where);
    if (parser.HandleNextDocument(events) && parser.HandleNextDocument(events)) {
      throw UserError("{}: more than one document ('---'); keep one", where);
    }
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    if (const int line = line_indented_by_tab(text); line > 0) {
      throw UserError("{}:{}: indented with a tab; YAML allows only spaces there", where, line);
    }
    throw UserError("{}: not valid YAML: {}", place(where, error.mark), error.msg);
  }
}

}  // namespace s2i
