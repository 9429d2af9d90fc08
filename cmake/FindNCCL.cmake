# Defines NCCL as the imported target NCCL::nccl. Uses the copy that LibTorch loads, so that a process
# never loads two. NCCL_ROOT (environment or -D) has precedence.
find_path(NCCL_INCLUDE_DIR nccl.h
  HINTS $ENV{NCCL_ROOT}/include ${NCCL_ROOT}/include ${CUDAToolkit_INCLUDE_DIRS}
        ${LIBTORCH_LIB_DIR}/../../nvidia/nccl/include)
find_library(NCCL_LIBRARY NAMES nccl libnccl.so.2
  HINTS $ENV{NCCL_ROOT}/lib ${NCCL_ROOT}/lib ${CUDAToolkit_LIBRARY_DIR}
        ${LIBTORCH_LIB_DIR}/../../nvidia/nccl/lib)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(NCCL REQUIRED_VARS NCCL_LIBRARY NCCL_INCLUDE_DIR)
add_library(NCCL::nccl UNKNOWN IMPORTED)
set_target_properties(NCCL::nccl PROPERTIES
  IMPORTED_LOCATION "${NCCL_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${NCCL_INCLUDE_DIR}")
