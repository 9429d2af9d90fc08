# Language level, warnings, sanitizers, and the functions that declare libraries and programs.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()

set(S2I_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined or thread")

# Settings without sanitizers, for libraries that are also loaded into programs without sanitizers. All
# other targets use s2i_settings.
add_library(s2i_language INTERFACE)
target_compile_features(s2i_language INTERFACE cxx_std_20)
target_compile_options(s2i_language INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow;-Wnon-virtual-dtor;-Wpedantic>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${S2I_WARNINGS_AS_ERRORS}>>:-Werror>)
target_compile_definitions(s2i_language INTERFACE S2I_VERSION="${PROJECT_VERSION}")

add_library(s2i_sanitizers INTERFACE)
if(S2I_SANITIZE)
  target_compile_options(s2i_sanitizers INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${S2I_SANITIZE};-fno-omit-frame-pointer;-fno-sanitize-recover=all>)
  target_link_options(s2i_sanitizers INTERFACE -fsanitize=${S2I_SANITIZE})
endif()

add_library(s2i_settings INTERFACE)
target_link_libraries(s2i_settings INTERFACE s2i_language s2i_sanitizers)

# The memory allocator of the programs that train: a step allocates and frees blocks of many sizes, with which the C
# library's allocator is slower and keeps several times the memory (docs/benchmarks.md). Sanitizers bring their own.
add_library(s2i_allocator INTERFACE)
if(NOT S2I_SANITIZE)
  target_link_libraries(s2i_allocator INTERFACE
    -Wl,--push-state,--no-as-needed PkgConfig::tcmalloc -Wl,--pop-state)
endif()

# s2i_own_headers(TARGET VISIBILITY): gives a target the headers of its own folder, and nothing else.
# They are included by their path from src/ or from the project's root ("core/error.h", "cluster/comm/communicator.h").
# build/<preset>/include/<folder>/ holds a link to the folder under that path, and that alone is the include
# directory, so that a header of another folder is found only if its library is linked. tests/layers checks it.
function(s2i_own_headers target visibility)
  file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  string(REGEX REPLACE "^src/" "" path ${path})
  string(REPLACE "/" "_" name ${path})
  set(include ${PROJECT_BINARY_DIR}/include/${name})
  get_filename_component(parent ${include}/${path} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${include}/${path} SYMBOLIC)
  target_include_directories(${target} ${visibility} ${include})
endfunction()

# s2i_library(NAME SOURCES ... [PUBLIC lib ...] [PRIVATE lib ...]): a static library. Its headers reach what links it.
function(s2i_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  s2i_own_headers(${name} PUBLIC)
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE s2i_settings ${ARG_PRIVATE})
endfunction()

# s2i_program(NAME SOURCES ... LINK lib ...): an executable in build/<preset>/bin.
function(s2i_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  s2i_own_headers(${name} PRIVATE)
  target_link_libraries(${name} PRIVATE s2i_settings ${ARG_LINK})
endfunction()
