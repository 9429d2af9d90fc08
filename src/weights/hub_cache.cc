#include "weights/hub_cache.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/files.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path hub_cache() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const std::string value = environment(name); !value.empty()) return value;
  }
  if (const std::string home = environment("HF_HOME"); !home.empty()) return fs::path(home) / "hub";
  const std::string xdg = environment("XDG_CACHE_HOME");
  const fs::path cache = xdg.empty() ? fs::path(environment("HOME")) / ".cache" : fs::path(xdg);
  return cache / "huggingface" / "hub";
}

/// Letters, digits, '-', '_', '.' and '/', and no way up: what a hub name or revision is made of.
bool plain_name(std::string_view text) {
  return !text.empty() && text.find("..") == std::string_view::npos && text.front() != '/' &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '/';
         });
}

/// The snapshot folder of a revision, or an empty path.
fs::path find_snapshot(const fs::path& repository, const std::string& revision) {
  const fs::path snapshots = repository / "snapshots";
  std::error_code error;
  if (!fs::is_directory(snapshots, error)) return {};
  const fs::path reference = repository / "refs" / (revision.empty() ? "main" : revision);
  if (fs::is_regular_file(reference, error)) {
    std::string commit = read_file(reference, 4096);
    commit.erase(std::remove_if(commit.begin(), commit.end(),
                                [](unsigned char c) { return std::isspace(c) != 0; }),
                 commit.end());
    if (plain_name(commit) && fs::is_directory(snapshots / commit, error))
      return snapshots / commit;
  }
  std::vector<fs::path> matches;  // a commit, or its beginning; any, if none was asked for
  for (const auto& entry : fs::directory_iterator(snapshots, error)) {
    if (entry.path().filename().string().starts_with(revision)) matches.push_back(entry.path());
  }
  return matches.size() == 1 ? matches.front() : fs::path();
}

/// Snapshots of "publisher/name"; without a publisher, those of every publisher.
std::vector<fs::path> find_in_cache(const fs::path& cache, const std::string& name,
                                    const std::string& revision) {
  constexpr std::string_view kPrefix = "models--";
  const size_t slash = name.find('/');
  const bool any_publisher = slash == std::string::npos;
  std::string wanted = "--" + name;
  if (!any_publisher) wanted = name.substr(0, slash) + "--" + name.substr(slash + 1);
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(cache, error)) {
    std::string repository = entry.path().filename().string();
    if (!repository.starts_with(kPrefix)) continue;
    repository.erase(0, kPrefix.size());
    if (any_publisher ? !repository.ends_with(wanted) : repository != wanted) continue;
    const fs::path snapshot = find_snapshot(entry.path(), revision);
    if (!snapshot.empty()) found.push_back(snapshot);
  }
  return found;
}

}  // namespace

fs::path resolve_model(const std::string& init) {
  std::error_code error;
  if (init.empty()) throw UserError("no pretrained model is named; give a folder or a hub name");
  if (fs::is_directory(init, error)) return init;
  if (fs::exists(init, error)) throw UserError("{} is not a folder with a model", init);

  const size_t at = init.find('@');
  const std::string name = init.substr(0, at);
  const std::string revision = at == std::string::npos ? "" : init.substr(at + 1);
  const auto slashes = std::count(name.begin(), name.end(), '/');
  if (!plain_name(name) || name.front() == '.' || slashes > 1 ||
      (at != std::string::npos && !plain_name(revision))) {
    throw UserError("there is no model folder {}", path_and_origin(init));
  }
  const fs::path cache = hub_cache();
  const std::vector<fs::path> found = find_in_cache(cache, name, revision);
  if (found.size() == 1) return found.front();
  if (found.size() > 1) {
    throw UserError("{} publishers have a model {} in {}; name one: PUBLISHER/{}", found.size(),
                    name, cache.string(), init);
  }
  throw UserError(
      "there is no folder {} and no such model in the Hugging Face cache {}; correct the path, or "
      "download the model with: hf download {}{}{}",
      path_and_origin(init), cache.string(), slashes == 0 ? "PUBLISHER/" : "", name,
      revision.empty() ? "" : " --revision " + revision);
}

}  // namespace s2i
