# Defines LibTorch as two imported targets. It does not use TorchConfig.cmake, which requires a CUDA
# toolkit for wheels with CUDA support and adds CUDA to every target.
#
#   LibTorch::cpu    tensors, autograd, CPU kernels (libc10, libtorch_cpu)
#   LibTorch::cuda   LibTorch::cpu and the CUDA kernels; exists with S2I_HAVE_CUDA and a CUDA wheel
#
# LIBTORCH (environment or -D) is the folder with include/ and lib/. The default is the wheel that
# tools/setup.sh installs under .deps/.
set(LIBTORCH "$ENV{LIBTORCH}" CACHE PATH "LibTorch folder with include/ and lib/")
if(NOT LIBTORCH)
  file(GLOB _s2i_wheels ${PROJECT_SOURCE_DIR}/.deps/python/lib/python3*/site-packages/torch)
  list(GET _s2i_wheels 0 _s2i_wheel)
  set(_s2i_torch_root "${_s2i_wheel}")
else()
  set(_s2i_torch_root "${LIBTORCH}")
endif()
find_path(LIBTORCH_INCLUDE_DIR ATen/ATen.h HINTS "${_s2i_torch_root}/include" NO_DEFAULT_PATH)
find_library(LIBTORCH_CPU_LIBRARY torch_cpu HINTS "${_s2i_torch_root}/lib" NO_DEFAULT_PATH)
find_library(LIBTORCH_C10_LIBRARY c10 HINTS "${_s2i_torch_root}/lib" NO_DEFAULT_PATH)
find_library(LIBTORCH_CUDA_LIBRARY torch_cuda HINTS "${_s2i_torch_root}/lib" NO_DEFAULT_PATH)
find_library(LIBTORCH_C10_CUDA_LIBRARY c10_cuda HINTS "${_s2i_torch_root}/lib" NO_DEFAULT_PATH)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY LIBTORCH_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Run tools/setup.sh, or set LIBTORCH to a LibTorch folder.")

get_filename_component(LIBTORCH_LIB_DIR "${LIBTORCH_CPU_LIBRARY}" DIRECTORY)
# At run time the wheel finds its CUDA libraries through its RPATH. At link time the linker would not
# find them, hence --allow-shlib-undefined.
add_library(LibTorch::cpu INTERFACE IMPORTED)
# The wheel's include folder has a different version of fmt than the one spdlog was built with.
# -idirafter makes every file use the system's fmt.
set_target_properties(LibTorch::cpu PROPERTIES
  INTERFACE_COMPILE_OPTIONS
    "$<$<COMPILE_LANGUAGE:CXX>:-idirafter${LIBTORCH_INCLUDE_DIR};-idirafter${LIBTORCH_INCLUDE_DIR}/torch/csrc/api/include>"
  INTERFACE_LINK_LIBRARIES "${LIBTORCH_CPU_LIBRARY};${LIBTORCH_C10_LIBRARY};Threads::Threads"
  INTERFACE_LINK_OPTIONS "LINKER:--allow-shlib-undefined")

if(S2I_HAVE_CUDA AND LIBTORCH_CUDA_LIBRARY)
  add_library(LibTorch::cuda INTERFACE IMPORTED)
  # --no-as-needed: the CUDA kernels register themselves at load time, without a symbol reference.
  set_target_properties(LibTorch::cuda PROPERTIES
    INTERFACE_LINK_LIBRARIES
      "LibTorch::cpu;-Wl,--no-as-needed,${LIBTORCH_CUDA_LIBRARY},--as-needed;${LIBTORCH_C10_CUDA_LIBRARY}")
endif()
