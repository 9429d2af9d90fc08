#include "weights/zip_directory.h"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace s2i {
namespace {

constexpr uint64_t kMaxRecords = 1 << 16;  // a WavLM has 500 tensors, a record each
constexpr uint32_t kUnknown32 = 0xFFFFFFFFU;

class ZipDirectory {
 public:
  ZipDirectory(const ByteSource& file, const std::string& where) : file_(file), where_(where) {}

  std::vector<ZipRecord> read() {
    find();
    std::vector<ZipRecord> records;
    std::set<std::string> names;
    for (uint64_t i = 0; i < count_; ++i) {
      records.push_back(next_record());
      const std::string& name = records.back().name;
      if (!names.insert(name).second) fail("the record {} is there twice", name);
    }
    if (position_ != end_) fail("its directory has {} bytes too many", end_ - position_);
    check_overlap(records);
    return records;
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw UserError("{} is not a good zip archive: {}", where_,
                    fmt::format(format, std::forward<Args>(args)...));
  }

  template <typename T>
  T number(uint64_t offset) const {
    if (offset > file_.size() || file_.size() - offset < sizeof(T)) fail("it may be cut short");
    T value{};
    file_.read(offset, std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }

  /// Finds the directory by the record that ends the file.
  void find() {
    constexpr uint64_t kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
    if (file_.size() < kEndBytes) fail("it may be cut short");
    const uint64_t end = file_.size() - kEndBytes;
    if (number<uint32_t>(end) != 0x06054b50) fail("no directory at its end; it may be cut short");
    count_ = number<uint16_t>(end + 10);
    uint64_t bytes = number<uint32_t>(end + 12);
    position_ = number<uint32_t>(end + 16);
    end_ = end;
    if (end >= kLocatorBytes + kEnd64Bytes && number<uint32_t>(end - kLocatorBytes) == 0x07064b50) {
      const auto end64 = number<uint64_t>(end - kLocatorBytes + 8);
      if (end64 > end - kLocatorBytes - kEnd64Bytes || number<uint32_t>(end64) != 0x06064b50) {
        fail("its 64-bit directory is not where it says");
      }
      count_ = number<uint64_t>(end64 + 32);
      bytes = number<uint64_t>(end64 + 40);
      position_ = number<uint64_t>(end64 + 48);
      end_ = end64;
    }
    if (count_ > kMaxRecords) fail("it claims {} records", count_);
    if (position_ > end_ || bytes != end_ - position_) fail("its directory is not at its end");
    start_ = position_;
  }

  ZipRecord next_record() {
    constexpr uint64_t kHeaderBytes = 46;
    const uint64_t at = position_;
    if (number<uint32_t>(at) != 0x02014b50) fail("its directory is damaged");
    const auto flags = number<uint16_t>(at + 8), method = number<uint16_t>(at + 10);
    uint64_t packed = number<uint32_t>(at + 20);
    ZipRecord record;
    record.bytes = number<uint32_t>(at + 24);
    const auto name_bytes = number<uint16_t>(at + 28), extra_bytes = number<uint16_t>(at + 30),
               comment_bytes = number<uint16_t>(at + 32);
    record.offset = number<uint32_t>(at + 42);
    const uint64_t extra = at + kHeaderBytes + name_bytes;
    position_ = extra + extra_bytes + comment_bytes;
    if (position_ > end_) fail("its directory is damaged");
    record.name.resize(name_bytes);
    file_.read(at + kHeaderBytes, std::as_writable_bytes(std::span(record.name)));
    read_64_bit_sizes(extra, extra_bytes, record, packed);
    check_name(record.name);
    if ((flags & 1) != 0) fail("the record {} is encrypted", record.name);
    if (method != 0 || packed != record.bytes) {
      fail("the record {} is compressed, as torch.save never does", record.name);
    }
    return record;
  }

  /// The extra field 1 holds, in this order, those of three numbers that do not fit 32 bits.
  void read_64_bit_sizes(uint64_t at, uint64_t bytes, ZipRecord& record, uint64_t& packed) const {
    const uint64_t end = at + bytes;
    while (end - at >= 4) {
      const auto id = number<uint16_t>(at), size = number<uint16_t>(at + 2);
      at += 4;
      if (size > end - at) fail("the record {} has a damaged extra field", record.name);
      uint64_t from = at;
      at += size;
      if (id != 1) continue;
      for (uint64_t* field : {&record.bytes, &packed, &record.offset}) {
        if (*field != kUnknown32) continue;
        if (at - from < 8) fail("the record {} has a damaged extra field", record.name);
        *field = number<uint64_t>(from);
        from += 8;
      }
    }
  }

  void check_name(std::string_view name) const {
    if (name.empty() || name.front() == '/' || name.find('\0') != name.npos ||
        name.find("..") != name.npos || name.find('\\') != name.npos) {
      fail("a record is called '{}'", name);
    }
  }

  /// Each record is a local header of 30 bytes and more, and its content; all before the directory.
  void check_overlap(const std::vector<ZipRecord>& records) const {
    constexpr uint64_t kLocalHeaderBytes = 30;
    std::vector<std::pair<uint64_t, uint64_t>> places;  // begin, end
    for (const ZipRecord& record : records) {
      if (record.offset > start_ || start_ - record.offset < kLocalHeaderBytes ||
          start_ - record.offset - kLocalHeaderBytes < record.bytes) {
        fail("the record {} claims {} bytes, more than there are", record.name, record.bytes);
      }
      places.emplace_back(record.offset, record.offset + kLocalHeaderBytes + record.bytes);
    }
    std::sort(places.begin(), places.end());
    for (size_t i = 1; i < places.size(); ++i) {
      if (places[i].first < places[i - 1].second) fail("two of its records overlap");
    }
  }

  const ByteSource& file_;
  const std::string& where_;
  uint64_t count_ = 0;
  uint64_t start_ = 0, position_ = 0, end_ = 0;  ///< of the directory
};

}  // namespace

std::vector<ZipRecord> read_zip_directory(const ByteSource& file, const std::string& where) {
  return ZipDirectory(file, where).read();
}

}  // namespace s2i
