# SPDX-License-Identifier: MIT
# Builds and runs an outside project of three files that uses typenet in one WAY: find_package, add_subdirectory or fetch_content.

file(REMOVE_RECURSE "${BUILD}")
if(WAY STREQUAL "find_package")
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${TYPENET_BUILD}" --prefix "${BUILD}/prefix" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  set(where "-DCMAKE_PREFIX_PATH=${BUILD}/prefix")
else()
  set(where "-DTYPENET_SOURCE=${SOURCE}")
endif()
execute_process(
  COMMAND "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${CMAKE_CURRENT_LIST_DIR}/project" -B "${BUILD}/build" "-DCMAKE_CXX_COMPILER=${COMPILER}"
          -DCMAKE_BUILD_TYPE=Debug "-DWAY=${WAY}" "${where}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${BUILD}/build" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${BUILD}/build/outside" COMMAND_ERROR_IS_FATAL ANY)
if(WAY STREQUAL "find_package")
  # A component that does not exist is refused with the names of those that do.
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${CMAKE_CURRENT_LIST_DIR}/project" -B "${BUILD}/refused" "-DCMAKE_CXX_COMPILER=${COMPILER}"
            "-DWAY=${WAY}" "${where}" -DTYPENET_COMPONENTS=holography
    RESULT_VARIABLE failed
    ERROR_VARIABLE message
    OUTPUT_QUIET)
  if(NOT failed OR NOT message MATCHES "has no component 'holography'; it has: io")
    message(FATAL_ERROR "an unknown component was not refused as it should be:\n${message}")
  endif()
endif()
