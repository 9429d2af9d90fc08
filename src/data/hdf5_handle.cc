#include "data/hdf5_handle.h"

namespace s2i {
namespace {

std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

/// HDF5 calls this for the innermost error first; keeps that one.
herr_t keep_first_error(unsigned, const H5E_error2_t* error, void* message) {
  auto* const text = static_cast<std::string*>(message);
  if (text->empty() && error->desc != nullptr) *text = error->desc;
  return 0;
}

}  // namespace

Hdf5Lock::Hdf5Lock() : lock_(library_mutex()) {
  H5Eget_auto2(H5E_DEFAULT, &printer_, &printer_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Hdf5Lock::~Hdf5Lock() { H5Eset_auto2(H5E_DEFAULT, printer_, printer_data_); }

Hdf5Handle file_access_properties() {
  Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "create file properties");
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
  hdf5_check(H5Pset_file_locking(access.get(), false, true), "disable file locking");
#endif
  return access;
}

void fail_hdf5(std::string_view what) {
  std::string message;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first_error, &message);
  H5Eclear2(H5E_DEFAULT);
  message = message.substr(0, message.find('\n'));
  throw Hdf5Error("cannot {}: {}", what, message.empty() ? "unknown HDF5 error" : message);
}

}  // namespace s2i
