// A confusion matrix as an image.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensorboard/event.h"

namespace s2i::tensorboard {

/// `confusion` [C label][C predicted], C at least 1: a cell for each pair, labels from top to
/// bottom. The stronger the color, the larger the share of the label's utterances: blue where the
/// prediction is right, red where it is wrong. Throws RunError.
Png confusion_image(const std::vector<std::vector<int64_t>>& confusion);

/// Markdown: what the image shows, and the intents in the order of rows and columns.
std::string confusion_legend(const std::vector<std::string>& intents);

}  // namespace s2i::tensorboard
