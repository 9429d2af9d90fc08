#include "core/channel.h"

#include <charconv>

#include "core/error.h"

namespace s2i {

ChannelChoice parse_channel(const std::string& text) {
  if (text == "mean") return {};
  if (text == "left") return {1};
  if (text == "right") return {2};
  constexpr int kMaxChannels = 1024;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 ||
      number > kMaxChannels) {
    throw UserError("channel '{}': must be mean, left, right or a number from 1 to {}", text,
                    kMaxChannels);
  }
  return {number};
}

std::string channel_name(ChannelChoice channel) {
  return channel.is_mean() ? "mean" : std::to_string(channel.number);
}

}  // namespace s2i
