// The records of an event file: TFRecord, that is length, checksum of the length, data, checksum of
// the data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace s2i::tensorboard {

/// CRC-32C, rotated and shifted so that the checksum of data with checksums is not a special one.
uint32_t masked_crc32c(std::string_view bytes);

/// `data` as one record.
std::string to_record(std::string_view data);

/// The data of the records of a file, up to the first that is truncated or damaged.
std::vector<std::string_view> records_of(std::string_view file);

}  // namespace s2i::tensorboard
