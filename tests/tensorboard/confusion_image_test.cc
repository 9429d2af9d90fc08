#include "tensorboard/confusion_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <array>

namespace s2i::tensorboard {
namespace {

using ::testing::HasSubstr;
using Color = std::array<int, 3>;

/// The color in the middle of a cell of an image of `intents` x `intents` cells.
Color cell(const Png& png, size_t intents, size_t label, size_t predicted) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_memory(&image, png.bytes.data(), png.bytes.size()), 0);
  EXPECT_EQ(static_cast<int>(image.width), png.width);
  EXPECT_EQ(static_cast<int>(image.height), png.height);
  image.format = PNG_FORMAT_RGB;
  std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(image));
  EXPECT_NE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr), 0);
  const size_t side = image.width;
  const size_t size = side / intents;
  const size_t at = ((label * size + size / 2) * side + predicted * size + size / 2) * 3;
  return {pixels[at], pixels[at + 1], pixels[at + 2]};
}

TEST(ConfusionImage, RightIsBlueWrongIsRedAndNoneIsWhite) {
  const Png png = confusion_image({{3, 1, 0}, {0, 4, 0}, {0, 0, 0}});
  const Color right = cell(png, 3, 0, 0);
  const Color wrong = cell(png, 3, 0, 1);
  const Color all_right = cell(png, 3, 1, 1);
  EXPECT_GT(right[2], right[0]);
  EXPECT_GT(wrong[0], wrong[2]);
  EXPECT_LT(all_right[0], right[0]);  // stronger
  const Color white = {255, 255, 255};
  EXPECT_EQ(cell(png, 3, 0, 2), white);
  EXPECT_EQ(cell(png, 3, 1, 0), white);  // rows are labels
  EXPECT_EQ(cell(png, 3, 2, 2), white);
}

TEST(ConfusionImage, HasACellOfSeveralPixelsForEachOfManyIntents) {
  constexpr size_t kIntents = 300;
  std::vector<std::vector<int64_t>> confusion(kIntents, std::vector<int64_t>(kIntents, 0));
  confusion[299][7] = 1;
  const Png png = confusion_image(confusion);
  EXPECT_EQ(png.width, 300 * 4 + 1);
  EXPECT_NE(cell(png, kIntents, 299, 7), (Color{255, 255, 255}));
  EXPECT_EQ(cell(png, kIntents, 7, 299), (Color{255, 255, 255}));
}

TEST(ConfusionImage, TheLegendHasNamesAsText) {
  const std::string legend = confusion_legend({"ask_balance", "<b>"});
  EXPECT_THAT(legend, HasSubstr("\n1. ask\\_balance\n2. \\<b\\>\n"));
}

}  // namespace
}  // namespace s2i::tensorboard
