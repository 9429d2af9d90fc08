// RAII wrappers for the HDF5 C API: owning handles, exceptions with the library's error message,
// and a global lock. Only this header includes hdf5.h.
#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace s2i {

/// An HDF5 call failed. The message has the failed operation and the library's error message.
class Hdf5Error : public RunError {
 public:
  using RunError::RunError;
};

/// Must be held for every use of HDF5, which is not thread-safe in its default build. Also disables
/// the library's error output; Hdf5Error has the error messages.
class Hdf5Lock {
 public:
  Hdf5Lock();
  ~Hdf5Lock();
  Hdf5Lock(const Hdf5Lock&) = delete;
  Hdf5Lock& operator=(const Hdf5Lock&) = delete;

 private:
  std::unique_lock<std::mutex> lock_;
  H5E_auto2_t printer_ = nullptr;
  void* printer_data_ = nullptr;
};

/// Throws Hdf5Error: "cannot <what>: <the library's innermost message>".
[[noreturn]] void fail_hdf5(std::string_view what);

/// Returns the result of a call; throws Hdf5Error if it is negative.
template <typename Result>
Result hdf5_check(Result result, std::string_view what) {
  if (result < 0) fail_hdf5(what);
  return result;
}

/// Owns an HDF5 identifier and closes it with the given H5?close function.
class Hdf5Handle {
 public:
  using Close = herr_t (*)(hid_t);

  Hdf5Handle(hid_t id, Close closer, std::string_view what)
      : id_(hdf5_check(id, what)), close_(closer) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Hdf5Handle(const Hdf5Handle&) = delete;
  Hdf5Handle& operator=(const Hdf5Handle&) = delete;
  Hdf5Handle& operator=(Hdf5Handle&&) = delete;
  ~Hdf5Handle() {
    if (id_ >= 0) close_(id_);
  }

  hid_t get() const { return id_; }

  /// Closes now and reports errors. For files: closing a file writes data and can fail.
  void close(std::string_view what) {
    hdf5_check(close_(std::exchange(id_, H5I_INVALID_HID)), what);
  }

 private:
  hid_t id_;
  Close close_;
};

/// File access properties with HDF5's file locking disabled: finished shards never change, and many
/// cluster file systems do not support locks.
Hdf5Handle file_access_properties();

}  // namespace s2i
