// Files: whole reads with a limit, reads at any place, and writes that are durable before they are
// visible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/byte_source.h"

namespace s2i {

/// An open file descriptor, closed with the object.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();

  /// Opens for reading. Throws RunError naming the file.
  static FileDescriptor open_read(const std::filesystem::path& path);

  int get() const { return descriptor_; }
  void close();

 private:
  int descriptor_ = -1;
};

/// A regular file, open for reading at any place.
class InputFile final : public ByteSource {
 public:
  /// Throws RunError naming the file.
  explicit InputFile(std::filesystem::path path);

  uint64_t size() const override { return size_; }  ///< When it was opened.
  /// Throws RunError naming the file: also if it has been cut short since it was opened.
  void read(uint64_t offset, std::span<std::byte> to) const override;

 private:
  std::filesystem::path path_;
  FileDescriptor file_;
  uint64_t size_ = 0;
};

/// Reads a whole file of at most `max_bytes`. Throws RunError naming the file.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes);

/// A file that comes into being whole or not at all: written in parts under a temporary name in the
/// same folder; commit() flushes, fsyncs, renames it to `path` and fsyncs the folder. Without a
/// commit the temporary file is removed. Every call throws RunError naming the file and the reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  /// Under a temporary name of the caller's choice, in the same folder.
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  FileDescriptor file_;
};

/// Writes under a temporary name in the same folder, flushes, fsyncs, renames over `path` and
/// fsyncs the folder: after a crash the old content or the new is there, never a part.
/// Throws RunError naming the file and the reason (no space, not writable).
void write_file_atomic(const std::filesystem::path& path, std::string_view content);

/// "<path>.<8 hexadecimal digits>.tmp" with digits drawn at random: for a file that processes on
/// several hosts may write at once. What a killed process leaves under it, its writer removes.
std::filesystem::path unique_temporary(const std::filesystem::path& path);

/// Flushes a written file, or the names in a folder, to the device. Throws RunError.
void sync_path(const std::filesystem::path& path);

/// Renames and makes the new name durable. Throws RunError.
void rename_durable(const std::filesystem::path& from, const std::filesystem::path& to);

/// Whether a text from a file can name a file in a given folder and nothing else: no separator, no
/// zero byte, not "." or "..", at most 255 bytes.
bool is_plain_file_name(std::string_view name);

/// Whether `path`, with every link on the way followed, lies below `folder`. False if it cannot be
/// followed.
bool leads_below(const std::filesystem::path& path, const std::filesystem::path& folder);

/// Makes a folder and its parents. Throws UserError naming the folder if that cannot be done, or if
/// the folder cannot be written to: an output folder is the user's choice.
void make_output_folder(const std::filesystem::path& path);

}  // namespace s2i
