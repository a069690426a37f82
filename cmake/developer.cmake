# SPDX-License-Identifier: MIT
# For typenet's own programs: warnings, and checks of the sources' form. Nothing here reaches a user's targets.

add_library(typenet_warnings INTERFACE)
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(typenet_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # g++ has it outside -Wconversion for C++; indices are signed throughout.
    target_compile_options(typenet_warnings INTERFACE -Wno-sign-conversion)
  endif()
  if(TYPENET_WARNINGS_AS_ERRORS)
    target_compile_options(typenet_warnings INTERFACE -Werror)
  endif()
endif()

find_program(CLANG_FORMAT clang-format)
find_program(CLANG_TIDY clang-tidy)
file(GLOB_RECURSE typenet_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/*.hpp" "${PROJECT_SOURCE_DIR}/tests/*.[ch]pp"
     "${PROJECT_SOURCE_DIR}/examples/*.[ch]pp" "${PROJECT_SOURCE_DIR}/benchmarks/*.[ch]pp")
if(CLANG_FORMAT)
  add_custom_target(format COMMAND "${CLANG_FORMAT}" -i ${typenet_sources} COMMENT "Formatting")
endif()
if(CLANG_TIDY)
  add_custom_target(
    tidy
    COMMAND "${CLANG_TIDY}" --quiet "${PROJECT_SOURCE_DIR}/examples/quickstart.cpp" -- -std=c++20 "-I${PROJECT_SOURCE_DIR}/include" -isystem
            "$<TARGET_PROPERTY:Eigen3::Eigen,INTERFACE_INCLUDE_DIRECTORIES>"
    COMMENT "clang-tidy over every header of the core, as the quickstart includes them")
endif()
