#include "tensorboard/confusion_image.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "core/error.h"

namespace s2i::tensorboard {
namespace {

using Color = std::array<uint8_t, 3>;

constexpr Color kNone = {255, 255, 255};
constexpr Color kRight = {8, 81, 156};
constexpr Color kWrong = {203, 24, 29};
constexpr Color kLine = {200, 200, 200};
constexpr Color kStrongLine = {90, 90, 90};
/// Lines that help to count cells.
constexpr size_t kStrongEvery = 5;

/// Between white and `full`. Small shares stay visible: a single mistake is what people look for.
Color shade(const Color& full, double share) {
  if (share <= 0) return kNone;
  constexpr double kLightest = 0.2;
  const double strength = kLightest + (1 - kLightest) * share;
  Color color{};
  for (size_t i = 0; i < color.size(); ++i) {
    color[i] = static_cast<uint8_t>(std::lround(kNone[i] + strength * (full[i] - kNone[i])));
  }
  return color;
}

/// TensorBoard scales images to its cards, without smoothing: of a larger one, lines would be lost.
size_t cell_pixels(size_t intents) {
  constexpr size_t kCard = 240;
  return std::clamp<size_t>(kCard / intents, 4, 48);
}

std::string encode(const std::vector<uint8_t>& pixels, size_t side) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(side);
  image.height = image.width;
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr) == 0) {
    throw RunError("cannot encode the confusion matrix as PNG: {}", image.message);
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace

Png confusion_image(const std::vector<std::vector<int64_t>>& confusion) {
  const size_t intents = confusion.size();
  S2I_CHECK(intents > 0);
  const size_t cell = cell_pixels(intents);
  const size_t line = cell >= 12 ? 2 : 1;
  const size_t side = intents * cell + line;
  std::vector<uint8_t> pixels(side * side * 3);
  const auto paint = [&](size_t x, size_t y, const Color& color) {
    std::ranges::copy(color, pixels.begin() + static_cast<ptrdiff_t>((y * side + x) * 3));
  };
  for (size_t y = 0; y < side; ++y) {
    const size_t label = std::min(y / cell, intents - 1);
    const auto& row = confusion[label];
    const auto count = static_cast<double>(std::accumulate(row.begin(), row.end(), int64_t{0}));
    for (size_t x = 0; x < side; ++x) {
      const size_t predicted = std::min(x / cell, intents - 1);
      if (x % cell < line || y % cell < line) {
        const bool strong = (x % cell < line && x / cell % kStrongEvery == 0) ||
                            (y % cell < line && y / cell % kStrongEvery == 0);
        paint(x, y, strong ? kStrongLine : kLine);
        continue;
      }
      const double share = count == 0 ? 0 : static_cast<double>(row[predicted]) / count;
      paint(x, y, shade(label == predicted ? kRight : kWrong, share));
    }
  }
  return {static_cast<int>(side), static_cast<int>(side), encode(pixels, side)};
}

std::string confusion_legend(const std::vector<std::string>& intents) {
  std::string text =
      "Rows are labels, columns predictions, both in the order below; every fifth line is darker. "
      "Blue: right, red: wrong; the stronger, the larger the share of the label's utterances.\n\n";
  for (size_t i = 0; i < intents.size(); ++i) {
    std::string name;
    for (const char c : intents[i]) {  // a name is text, not Markdown
      if (std::string_view("\\`*_{}[]()#+-.!|<>~").find(c) != std::string_view::npos) name += '\\';
      name += c;
    }
    text += fmt::format("{}. {}\n", i + 1, name);
  }
  return text;
}

}  // namespace s2i::tensorboard
