# SPDX-License-Identifier: MIT
cmake_minimum_required(VERSION 3.25)
# Compiles CASE as it stands, which must succeed, and with TYPENET_ILL_FORMED defined, which must fail with one error only. That error
# must match every line `// expect: <regex>` of the file (for DIALECT g++ and clang) and every line `// expect[DIALECT]: <regex>`;
# DIALECT is g++, clang or c++26. Brackets in the compiler's words are seen as parentheses.

set(compile "${COMPILER}" -std=${STANDARD} -fsyntax-only -fdiagnostics-color=never "-I${INCLUDE}" -isystem "${EIGEN}" "${CASE}")

execute_process(COMMAND ${compile} RESULT_VARIABLE failed ERROR_VARIABLE output)
if(failed)
  message(FATAL_ERROR "the good form does not compile:\n${output}")
endif()

execute_process(COMMAND ${compile} -DTYPENET_ILL_FORMED RESULT_VARIABLE failed ERROR_VARIABLE output)
if(NOT failed)
  message(FATAL_ERROR "the ill-formed program compiles")
endif()

# Lists split at semicolons, and brackets group them.
string(REPLACE ";" "," lines "${output}")
string(REPLACE "[" "(" lines "${lines}")
string(REPLACE "]" ")" lines "${lines}")
string(REPLACE "\n" ";" lines "${lines}")
list(FILTER lines INCLUDE REGEX "(^|[ :])error:")
list(LENGTH lines errors)
if(NOT errors EQUAL 1)
  message(FATAL_ERROR "expected one error, found ${errors}:\n${output}")
endif()

file(STRINGS "${CASE}" expectations REGEX "^// expect")
set(checked 0)
foreach(expectation IN LISTS expectations)
  if(expectation MATCHES "^// expect: (.+)$")
    set(regex "${CMAKE_MATCH_1}")
    if(DIALECT STREQUAL "c++26")
      continue()
    endif()
  elseif(expectation MATCHES "^// expect\\[(g\\+\\+|clang|c\\+\\+26)\\]: (.+)$")
    set(regex "${CMAKE_MATCH_2}")
    if(NOT DIALECT STREQUAL CMAKE_MATCH_1)
      continue()
    endif()
  else()
    message(FATAL_ERROR "cannot read the line: ${expectation}")
  endif()
  math(EXPR checked "${checked} + 1")
  if(NOT lines MATCHES "${regex}")
    message(FATAL_ERROR "the error does not match ${regex}\n${lines}")
  endif()
endforeach()
if(checked EQUAL 0)
  message(FATAL_ERROR "${CASE} says nothing of what to expect for ${DIALECT}")
endif()
message(STATUS "${lines}")
