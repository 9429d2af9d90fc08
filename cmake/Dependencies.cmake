# All third-party libraries, each as one imported target. To use other copies set LIBTORCH, HDF5_ROOT,
# MPI_HOME or NCCL_ROOT in the environment or with -D.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(yaml-cpp REQUIRED)
# Defines PkgConfig::<name> from the pkg-config module, or fails with the Debian package to install.
macro(s2i_pkg_config name module package)
  pkg_check_modules(${name} IMPORTED_TARGET "${module}")
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "pkg-config does not find ${module}. Install ${package} (tools/setup.sh installs all "
                        "packages), or set PKG_CONFIG_PATH to the folder of its .pc file.")
  endif()
endmacro()
s2i_pkg_config(xxhash libxxhash libxxhash-dev)
s2i_pkg_config(mpg123 "libmpg123>=1.26" libmpg123-dev)
s2i_pkg_config(sndfile sndfile libsndfile1-dev)
s2i_pkg_config(hwloc hwloc libhwloc-dev)
s2i_pkg_config(tcmalloc libtcmalloc_minimal libgoogle-perftools-dev)
s2i_pkg_config(soxr soxr libsoxr-dev)
s2i_pkg_config(utf8proc libutf8proc libutf8proc-dev)
s2i_pkg_config(isal libisal libisal-dev)
s2i_pkg_config(png libpng libpng-dev)

# protoc and the small runtime library, linked statically (src/tensorboard/CMakeLists.txt says why).
set(Protobuf_USE_STATIC_LIBS ON)
find_package(Protobuf REQUIRED)

set(HDF5_PREFER_PARALLEL OFF)
find_package(HDF5 REQUIRED COMPONENTS C)
add_library(s2i_hdf5 INTERFACE)
target_include_directories(s2i_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_compile_definitions(s2i_hdf5 INTERFACE ${HDF5_C_DEFINITIONS})
target_link_libraries(s2i_hdf5 INTERFACE ${HDF5_C_LIBRARIES})

# Only the C interface: Open MPI's deprecated C++ bindings cause warnings with -Wextra.
find_package(MPI REQUIRED COMPONENTS C)
add_library(s2i_mpi INTERFACE)
target_include_directories(s2i_mpi SYSTEM INTERFACE ${MPI_C_INCLUDE_DIRS})
target_compile_definitions(s2i_mpi INTERFACE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
target_link_libraries(s2i_mpi INTERFACE MPI::MPI_C)

# CUDA is optional. With a toolkit, the binaries run on machines with and without a GPU. Without a
# toolkit, or with S2I_CUDA=OFF, the project is built for CPUs only.
option(S2I_CUDA "Build the CUDA kernels and the NCCL communicator when a toolkit is found" ON)
if(S2I_CUDA)
  include(CheckLanguage)
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 90-virtual)
  endif()
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit 13 REQUIRED)
    set(CMAKE_CUDA_STANDARD 17)  # CMake 3.25 does not support C++20 with nvcc
    set(S2I_HAVE_CUDA ON)
  else()
    message(STATUS "No CUDA toolkit found: building for CPUs only")
  endif()
endif()

find_package(LibTorch REQUIRED)
if(S2I_HAVE_CUDA)
  find_package(NCCL REQUIRED)
endif()
