// Selects the channel of a multi-channel file.
#pragma once

#include <string>

namespace s2i {

/// The mean of all channels, or one of them.
struct ChannelChoice {
  int number = 0;  ///< From 1; 0 is the mean of all channels.

  bool is_mean() const { return number == 0; }
  bool operator==(const ChannelChoice&) const = default;
};

/// "mean", "left" (1), "right" (2), or a number from 1. Throws UserError.
ChannelChoice parse_channel(const std::string& text);

/// "mean" or the number.
std::string channel_name(ChannelChoice channel);

}  // namespace s2i
