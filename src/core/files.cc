#include "core/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace s2i {
namespace {

/// Writes all of `content`, also when write() returns early.
void write_all(int descriptor, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw RunError("cannot write {}: {}", path.string(), errno_text(errno));
    content.remove_prefix(static_cast<size_t>(written));
  }
}

/// Creates an empty file for writing, or truncates an existing one.
FileDescriptor create(const std::filesystem::path& path) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0) throw RunError("cannot write {}: {}", path.string(), errno_text(errno));
  return file;
}

}  // namespace

void fail_to_read(const std::filesystem::path& path, int error_number) {
  if (error_number == EACCES || error_number == EPERM) {
    throw UserError(
        "cannot read {}: permission denied; give this user read permission for the file and "
        "search permission for its folders",
        path.string());
  }
  throw RunError("cannot read {}: {}", path.string(), errno_text(error_number));
}

std::string path_and_origin(const std::filesystem::path& path) {
  if (path.is_absolute()) return path.string();
  std::error_code error;
  const std::filesystem::path current = std::filesystem::current_path(error);
  return error ? path.string()
               : fmt::format("{} (in the current folder, {})", path.string(), current.string());
}

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

FileDescriptor::~FileDescriptor() { close(); }

void FileDescriptor::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

FileDescriptor FileDescriptor::open_read(const std::filesystem::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail_to_read(path, errno);
  return file;
}

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  // O_NONBLOCK: opening a FIFO without a writer would block.
  file_ = FileDescriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file_.get() < 0) fail_to_read(path_, errno);
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) {
    throw RunError("cannot read {}: {}", path_.string(), errno_text(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    throw RunError("cannot read {}: not a regular file", path_.string());
  }
  size_ = static_cast<uint64_t>(status.st_size);
}

void InputFile::read(uint64_t offset, std::span<std::byte> to) const {
  while (!to.empty()) {
    const ssize_t count = ::pread(file_.get(), to.data(), to.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw RunError("cannot read {}: {}", path_.string(), errno_text(errno));
    if (count == 0) {
      throw RunError("cannot read {}: truncated to {} bytes; it had {} when it was opened",
                     path_.string(), offset, size_);
    }
    offset += static_cast<uint64_t>(count);
    to = to.subspan(static_cast<size_t>(count));
  }
}

std::string read_file(const std::filesystem::path& path, uint64_t max_bytes) {
  const FileDescriptor file = FileDescriptor::open_read(path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    throw RunError("cannot read {}: {}", path.string(), errno_text(errno));
  }
  if (S_ISDIR(status.st_mode)) throw RunError("cannot read {}: it is a folder", path.string());
  std::string content;
  char block[1 << 16];
  while (true) {
    const ssize_t count = ::read(file.get(), block, sizeof(block));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw RunError("cannot read {}: {}", path.string(), errno_text(errno));
    if (count == 0) return content;
    if (content.size() + static_cast<size_t>(count) > max_bytes) {
      throw RunError("cannot read {}: larger than the limit of {} bytes", path.string(), max_bytes);
    }
    content.append(block, static_cast<size_t>(count));
  }
}

void sync_path(const std::filesystem::path& path) {
  const FileDescriptor file = FileDescriptor::open_read(path);
  if (::fsync(file.get()) != 0) {
    throw RunError("cannot flush {} to the device: {}", path.string(), errno_text(errno));
  }
}

void rename_durable(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    throw RunError("cannot rename {} to {}: {}", from.string(), to.string(), errno_text(errno));
  }
  sync_path(to.has_parent_path() ? to.parent_path() : ".");
}

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(path_.string() + ".tmp"), file_(create(temporary_)) {}

AtomicFile::AtomicFile(std::filesystem::path path, std::filesystem::path temporary)
    : path_(std::move(path)), temporary_(std::move(temporary)), file_(create(temporary_)) {}

AtomicFile::~AtomicFile() {
  if (file_.get() >= 0) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write_all(file_.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, temporary_);
}

void AtomicFile::commit() {
  if (::fsync(file_.get()) != 0) {
    throw RunError("cannot flush {} to the device: {}", temporary_.string(), errno_text(errno));
  }
  rename_durable(temporary_, path_);
  file_.close();
}

void write_file_atomic(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(content)));
  file.commit();
}

std::filesystem::path unique_temporary(const std::filesystem::path& path) {
  return fmt::format("{}.{:08x}.tmp", path.string(), std::random_device()());
}

bool is_plain_file_name(std::string_view name) {
  constexpr size_t kMaxNameBytes = 255;
  return !name.empty() && name.size() <= kMaxNameBytes && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

bool resolves_inside(const std::filesystem::path& path, const std::filesystem::path& folder) {
  std::error_code error;
  const auto real_path = std::filesystem::weakly_canonical(path, error);
  if (error) return false;
  const auto real_folder = std::filesystem::canonical(folder, error);
  if (error) return false;
  const auto differ =
      std::mismatch(real_folder.begin(), real_folder.end(), real_path.begin(), real_path.end());
  return differ.first == real_folder.end() && differ.second != real_path.end();
}

void make_output_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    throw UserError("cannot create the output folder {}: {}; choose another folder", path.string(),
                    error.message());
  }
  if (::access(path.c_str(), W_OK | X_OK) != 0) {
    throw UserError("cannot write to the output folder {}: {}; choose another folder",
                    path.string(), errno_text(errno));
  }
}

}  // namespace s2i
