// HDF5's C API made safe: handles that close themselves, calls whose failure throws with the
// library's own words, and the library's global lock. Nothing else of this project includes hdf5.h.
#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace s2i {

/// An HDF5 call failed. The message says what was being done and what the library said.
class Hdf5Error : public RunError {
 public:
  using RunError::RunError;
};

/// Held around every use of HDF5, whose usual build must not be entered by two threads. Also keeps
/// the library from printing its errors: they travel in Hdf5Error.
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

/// Passes on the result of a call, negative results excepted: those throw.
template <typename Result>
Result hdf5_check(Result result, std::string_view what) {
  if (result < 0) fail_hdf5(what);
  return result;
}

/// Any HDF5 identifier, closed with the object by the given H5?close.
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

  /// Closes now; for files, whose closing writes and so can fail.
  void close(std::string_view what) {
    hdf5_check(close_(std::exchange(id_, H5I_INVALID_HID)), what);
  }

 private:
  hid_t id_;
  Close close_;
};

/// Properties for opening a file, without HDF5's file locks: shards never change once they have
/// their name, and on the file systems of clusters locks are often refused.
Hdf5Handle file_access_properties();

}  // namespace s2i
