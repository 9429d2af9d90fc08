#include "cluster/comm/require_same.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <span>
#include <sstream>

#include "cluster/comm/mpi_session.h"
#include "core/checksum.h"
#include "core/error.h"

namespace s2i {
namespace {

/// The first line that differs, from each text.
std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b) {
  std::istringstream lines_a(a), lines_b(b);
  while (lines_a || lines_b) {
    std::string line_a, line_b;
    if (!std::getline(lines_a, line_a)) line_a = "(end of text)";
    if (!std::getline(lines_b, line_b)) line_b = "(end of text)";
    if (line_a != line_b) return {line_a, line_b};
  }
  return {a, b};  // only the newline at the end of the text differs
}

}  // namespace

std::string difference_message(const std::string& label, const std::vector<std::string>& texts,
                               const std::vector<std::string>& hosts) {
  std::map<std::string, std::vector<size_t>> ranks_of;
  for (size_t rank = 0; rank < texts.size(); ++rank) ranks_of[texts[rank]].push_back(rank);
  if (ranks_of.size() <= 1) return "";

  const auto most = std::ranges::max_element(ranks_of, [](const auto& a, const auto& b) {
    return std::pair(a.second.size(), b.second.front()) <
           std::pair(b.second.size(), a.second.front());
  });
  std::string problem = fmt::format("the ranks differ in the {}", label);
  for (const auto& [text, ranks] : ranks_of) {
    if (text == most->first) continue;
    std::vector<std::string> names;
    for (const auto rank : ranks) names.push_back(fmt::format("{} ({})", rank, hosts[rank]));
    const auto [theirs, usual] = first_difference(text, most->first);
    problem +=
        fmt::format("; rank {} has '{}' instead of '{}'", fmt::join(names, ", "), theirs, usual);
  }
  return problem;
}

void require_same_on_all_ranks(Communicator& communicator, const std::string& label,
                               const std::string& text) {
  // Only checksums are exchanged, unless they differ.
  const auto mine = checksum_text(checksum(std::as_bytes(std::span(text))));
  const auto checksums = communicator.gather_text(mine, "checksum of the " + label);
  const auto same = [&](const std::string& one) { return one == checksums.front(); };
  if (std::ranges::all_of(checksums, same)) return;
  const auto texts = communicator.gather_text(text, "text of the " + label);
  const auto hosts = communicator.gather_text(host_name(), "host names");
  throw UserError("{}", difference_message(label, texts, hosts));
}

}  // namespace s2i
