// File access: size-limited reads, positional reads, and atomic durable writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/byte_source.h"

namespace s2i {

/// For a file that could not be opened or read with the errno value `error_number`. Throws
/// UserError if permission was denied, since that is for the user to mend, and RunError otherwise.
[[noreturn]] void fail_to_read(const std::filesystem::path& path, int error_number);

/// `path`, and for a relative one also the current folder, for messages about a path that was not
/// found.
std::string path_and_origin(const std::filesystem::path& path);

/// Owns an open file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();

  /// Opens for reading. Throws as fail_to_read does.
  static FileDescriptor open_read(const std::filesystem::path& path);

  int get() const { return descriptor_; }
  void close();

 private:
  int descriptor_ = -1;
};

/// A regular file, open for positional reads.
class InputFile final : public ByteSource {
 public:
  /// Throws as fail_to_read does.
  explicit InputFile(std::filesystem::path path);

  uint64_t size() const override { return size_; }  ///< Size at the time of opening.
  /// Throws RunError naming the file, also if the file was truncated after it was opened.
  void read(uint64_t offset, std::span<std::byte> to) const override;

 private:
  std::filesystem::path path_;
  FileDescriptor file_;
  uint64_t size_ = 0;
};

/// Returns the content of a file of at most `max_bytes`. Throws RunError naming the file, or
/// UserError if permission was denied.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes);

/// Writes a file atomically. Data goes to a temporary file in the same folder; commit() calls
/// fsync, renames it to `path` and calls fsync on the folder. Without a commit the temporary file
/// is removed. Every call throws RunError naming the file and the reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  /// Uses the given temporary name, which must be in the same folder.
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

/// Replaces a file atomically (see AtomicFile): after a crash it has either the old or the new
/// content. Throws RunError naming the file and the reason (no space, not writable).
void write_file_atomic(const std::filesystem::path& path, std::string_view content);

/// Returns "<path>.<8 random hexadecimal digits>.tmp", for files that processes on several hosts
/// may write at the same time. The caller is responsible for removing leftovers of killed
/// processes.
std::filesystem::path unique_temporary(const std::filesystem::path& path);

/// Calls fsync on a file or a folder. Throws RunError.
void sync_path(const std::filesystem::path& path);

/// Renames and calls fsync on the target's folder. Throws RunError.
void rename_durable(const std::filesystem::path& from, const std::filesystem::path& to);

/// Whether `name` is a single path component: no separator, no null byte, not "." or "..", at most
/// 255 bytes.
bool is_plain_file_name(std::string_view name);

/// Whether `path`, with all symbolic links resolved, is below `folder`. False if a link cannot be
/// resolved.
bool resolves_inside(const std::filesystem::path& path, const std::filesystem::path& folder);

/// Creates a folder and its parents. Throws UserError naming the folder if it cannot be created or
/// is not writable.
void make_output_folder(const std::filesystem::path& path);

}  // namespace s2i
