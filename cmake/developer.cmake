# SPDX-License-Identifier: MIT
# Sets up typenet's own programs: warnings, native code, and checks of the source format. Targets of a user are not affected.

option(TYPENET_WARNINGS_AS_ERRORS "Compile typenet's own programs with warnings as errors" OFF)
option(TYPENET_NATIVE "Compile typenet's own examples and benchmarks for this machine's instruction set" OFF)

# The default build type is optimized.
get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(PROJECT_IS_TOP_LEVEL AND NOT multi_config AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
  message(STATUS "typenet: no build type given; taking Release")
endif()

add_library(typenet_warnings INTERFACE)
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  set(warnings -Wall -Wextra -Wconversion -Wshadow)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # Indices are signed throughout. For C++, -Wconversion includes this warning in Clang but not in g++.
    list(APPEND warnings -Wno-sign-conversion)
  endif()
  if(TYPENET_WARNINGS_AS_ERRORS)
    list(APPEND warnings -Werror)
  endif()
  target_compile_options(typenet_warnings INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wpedantic;${warnings}>")
  # The code that nvcc passes to the host compiler has line directives that -Wpedantic rejects. It also has #pragma unroll, which only the
  # device compiler knows.
  list(APPEND warnings -Wno-unknown-pragmas)
  list(JOIN warnings "," warnings)
  target_compile_options(typenet_warnings INTERFACE "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:-Xcompiler=${warnings}>")
  if(TYPENET_WARNINGS_AS_ERRORS)
    target_compile_options(typenet_warnings INTERFACE "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:SHELL:-Werror all-warnings>")
  endif()
endif()

# typenet_trust_intrinsics(<target>): disables wrong warnings of g++ before 13 about its own AVX-512 intrinsics, which leave registers
# undefined on purpose (GCC bug 105593).
function(typenet_trust_intrinsics target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-uninitialized;-Wno-maybe-uninitialized>)
  endif()
endfunction()

# Builds only the programs that nvcc compiles.
add_custom_target(cuda_programs)

# Prints the compile time of each translation unit of the tests.
if(CMAKE_GENERATOR MATCHES "Ninja")
  add_custom_target(
    compile_seconds
    COMMAND "${CMAKE_COMMAND}" "-DBUILD=${CMAKE_BINARY_DIR}" -P "${PROJECT_SOURCE_DIR}/cmake/compile_seconds.cmake"
    VERBATIM USES_TERMINAL)
endif()

# typenet_program(<target> <library>...): configures one of typenet's own programs, an example or a benchmark.
function(typenet_program target)
  target_link_libraries(${target} PRIVATE ${ARGN} typenet_warnings)
  if(TYPENET_NATIVE)
    typenet_native(${target})
  endif()
  if("typenet::cuda" IN_LIST ARGN)
    add_dependencies(cuda_programs ${target})
  endif()
endfunction()

file(GLOB_RECURSE typenet_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/*.hpp" "${PROJECT_SOURCE_DIR}/include/*.cuh"
     "${PROJECT_SOURCE_DIR}/tests/*.[ch]pp" "${PROJECT_SOURCE_DIR}/examples/*.[ch]pp" "${PROJECT_SOURCE_DIR}/benchmarks/*.[ch]pp"
     "${PROJECT_SOURCE_DIR}/tests/*.cu" "${PROJECT_SOURCE_DIR}/examples/*.cu" "${PROJECT_SOURCE_DIR}/benchmarks/*.cu")

# typenet_headers_for(<language> <variable>): lists the headers that a source file in CXX or CUDA can include. Headers that need nvcc are
# called *.cuh or *cuda*. Headers that need Thrust are called *thrust*. Headers that nvcc cannot compile are called *_host.hpp.
function(typenet_headers_for language variable)
  set(headers ${typenet_headers})
  if(language STREQUAL "CXX")
    list(FILTER headers EXCLUDE REGEX "/include/typenet/.*(\\.cuh$|cuda)")
    if(NOT TARGET typenet::thrust)
      list(FILTER headers EXCLUDE REGEX "/include/typenet/.*thrust")
    endif()
  else()
    list(FILTER headers EXCLUDE REGEX "_host\\.hpp$")
  endif()
  set(${variable} ${headers} PARENT_SCOPE)
endfunction()

# The sources follow clang-format 19, which Debian 12 provides. Other versions format differently; versions before 16 cannot format
# requires-clauses.
find_program(CLANG_FORMAT NAMES clang-format-19)
if(CLANG_FORMAT)
  add_custom_target(format COMMAND "${CLANG_FORMAT}" -i ${typenet_sources} COMMENT "Formatting")
endif()

# clang-tidy checks the headers, and the templates that the quickstart and a test of the files instantiate.
find_program(CLANG_TIDY NAMES clang-tidy-14 clang-tidy)
if(CLANG_TIDY)
  set(all_headers "${PROJECT_BINARY_DIR}/all_headers.cpp")
  typenet_headers_for(CXX includes)
  list(TRANSFORM includes REPLACE "(.+)" "#include \"\\1\"\n")
  list(JOIN includes "" includes)
  file(GENERATE OUTPUT "${all_headers}" CONTENT "${includes}")
  if(TARGET typenet::thrust)
    set(thrust -isystem "${TYPENET_THRUST_INCLUDE_DIR}")
  endif()
  file(GLOB instances CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/*.cpp" "${PROJECT_SOURCE_DIR}/tests/io/*.test.cpp")
  add_custom_target(
    tidy
    COMMAND "${CLANG_TIDY}" --quiet "${all_headers}" ${instances} -- -std=c++20 "-I${PROJECT_SOURCE_DIR}/include"
            "-I${PROJECT_SOURCE_DIR}/tests/support" "-DTYPENET_GOLDEN_DIR=\"\"" ${thrust} -isystem
            "$<TARGET_PROPERTY:Eigen3::Eigen,INTERFACE_INCLUDE_DIRECTORIES>"
    COMMENT "clang-tidy over every header"
    VERBATIM)
endif()
