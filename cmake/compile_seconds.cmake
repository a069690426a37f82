# SPDX-License-Identifier: MIT
# Prints the seconds of the latest compilation of every translation unit in a build folder, slowest first:
#   cmake -DBUILD=<build folder> [-DUNDER=<folder in it, else tests>] -P compile_seconds.cmake
# The times are wall-clock times from Ninja's log; other compilations may have run in parallel.

cmake_minimum_required(VERSION 3.25)
get_filename_component(BUILD "${BUILD}" ABSOLUTE)
if(NOT DEFINED UNDER)
  set(UNDER tests)
endif()
if(NOT EXISTS "${BUILD}/.ninja_log")
  message(FATAL_ERROR "'${BUILD}' has no .ninja_log: build it with -G Ninja first")
endif()

# A line has start, end (both in milliseconds), modification time, output and hash, separated by tabs. The last line of an output counts.
file(STRINGS "${BUILD}/.ninja_log" lines REGEX "\t${UNDER}/[^\t]+\\.(o|obj)\t")
list(REVERSE lines)
set(outputs "")
set(table "")
set(total 0)
foreach(line IN LISTS lines)
  if(NOT line MATCHES "^([0-9]+)\t([0-9]+)\t[0-9]+\t([^\t]+)\t")
    continue()
  endif()
  set(output "${CMAKE_MATCH_3}")
  math(EXPR tenths "(${CMAKE_MATCH_2} - ${CMAKE_MATCH_1} + 50) / 100")
  if(output IN_LIST outputs OR NOT EXISTS "${BUILD}/${output}")
    continue()
  endif()
  list(APPEND outputs "${output}")
  math(EXPR total "${total} + ${tenths}")
  # Example: tests/CMakeFiles/test_core.dir/core/shape.test.cpp.o becomes "test_core: core/shape.test.cpp".
  string(REGEX REPLACE "^(.*/)?CMakeFiles/([^/]+)\\.dir/(.+)\\.(o|obj)$" "\\2: \\3" name "${output}")
  list(APPEND table "${tenths}|${name}")
endforeach()

# right_aligned(<tenths of a second> <variable>): sets the variable to the seconds, eight characters wide.
function(right_aligned tenths variable)
  math(EXPR seconds "${tenths} / 10")
  math(EXPR tenth "${tenths} % 10")
  set(text "${seconds}.${tenth} s")
  string(LENGTH "${text}" length)
  if(length LESS 8)
    math(EXPR spaces "8 - ${length}")
    string(REPEAT " " ${spaces} spaces)
    string(PREPEND text "${spaces}")
  endif()
  set(${variable} "${text}" PARENT_SCOPE)
endfunction()

list(SORT table COMPARE NATURAL ORDER DESCENDING)
set(text "")
foreach(row IN LISTS table)
  string(REGEX MATCH "^([0-9]+)\\|(.*)$" row "${row}")
  set(name "${CMAKE_MATCH_2}")
  right_aligned(${CMAKE_MATCH_1} seconds)
  string(APPEND text "${seconds}  ${name}\n")
endforeach()
list(LENGTH table count)
right_aligned(${total} seconds)
# Prints to stdout; message() would print to stderr.
execute_process(COMMAND "${CMAKE_COMMAND}" -E echo "${text}${seconds}  ${count} translation units under ${UNDER}")
