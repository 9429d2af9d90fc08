#include "tensorboard/record.h"

#include <isa-l/crc.h>

#include <bit>
#include <cstring>

#include "core/error.h"

namespace s2i::tensorboard {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr size_t kLengthBytes = sizeof(uint64_t);
constexpr size_t kChecksumBytes = sizeof(uint32_t);
constexpr size_t kMaxRecordBytes = 1U << 30;

template <typename T>
void append_number(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
T read_number(std::string_view from, size_t offset) {
  T value;
  std::memcpy(&value, from.data() + offset, sizeof value);
  return value;
}

}  // namespace

uint32_t masked_crc32c(std::string_view bytes) {
  S2I_CHECK(bytes.size() <= kMaxRecordBytes);
  // The library's parameter is not const, but it only reads.
  auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  const uint32_t crc = ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~0U);
  constexpr uint32_t kMask = 0xa282ead8;
  return std::rotr(crc, 15) + kMask;
}

std::string to_record(std::string_view data) {
  std::string record;
  append_number(record, static_cast<uint64_t>(data.size()));
  append_number(record, masked_crc32c(record));
  record += data;
  append_number(record, masked_crc32c(data));
  return record;
}

std::vector<std::string_view> records_of(std::string_view file) {
  constexpr size_t kHeadBytes = kLengthBytes + kChecksumBytes;
  std::vector<std::string_view> records;
  while (file.size() >= kHeadBytes + kChecksumBytes) {
    const auto length = read_number<uint64_t>(file, 0);
    const auto head_checksum = read_number<uint32_t>(file, kLengthBytes);
    if (head_checksum != masked_crc32c(file.substr(0, kLengthBytes))) break;
    if (length > kMaxRecordBytes || length > file.size() - kHeadBytes - kChecksumBytes) break;
    const std::string_view data = file.substr(kHeadBytes, length);
    if (read_number<uint32_t>(file, kHeadBytes + length) != masked_crc32c(data)) break;
    records.push_back(data);
    file.remove_prefix(kHeadBytes + length + kChecksumBytes);
  }
  return records;
}

}  // namespace s2i::tensorboard
