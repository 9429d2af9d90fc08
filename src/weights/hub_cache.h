// Where a pretrained model lies: a folder, or Hugging Face's cache.
#pragma once

#include <filesystem>
#include <string>

namespace s2i {

/// The folder of a model.
///
/// init  a folder; or a hub name, "microsoft/wavlm-base-plus", optionally with a revision (branch,
///       tag or commit) after "@"; the publisher may be left out if only one has that model
///
/// A hub name is looked up in HF_HUB_CACHE, or HF_HOME/hub, or ~/.cache/huggingface/hub
/// (XDG_CACHE_HOME is honored); nothing is downloaded. Throws UserError with the one command that
/// downloads it.
std::filesystem::path resolve_model(const std::string& init);

}  // namespace s2i
