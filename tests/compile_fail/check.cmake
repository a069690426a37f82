# SPDX-License-Identifier: MIT
# Compiles CASE as it should be, then with TYPENET_ILL_FORMED, which must fail with one error that matches every
# `// expect: regex` of the file (g++ and clang++ in C++20), and every `// expect[DIALECT]: regex`.

set(compile "${COMPILER}" -std=${STANDARD} -fsyntax-only "-I${INCLUDE}" -isystem "${EIGEN}" "${CASE}")

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
  if((expectation MATCHES "^// expect: (.*)$" AND NOT DIALECT STREQUAL "c++26") OR (expectation MATCHES "^// expect\\[([^]]*)\\]: (.*)$" AND CMAKE_MATCH_1 STREQUAL DIALECT))
    string(REGEX REPLACE "^// expect(\\[[^]]*\\])?: " "" regex "${expectation}")
    math(EXPR checked "${checked} + 1")
    if(NOT lines MATCHES "${regex}")
      message(FATAL_ERROR "the error does not match ${regex}\n${lines}")
    endif()
  endif()
endforeach()
if(checked EQUAL 0)
  message(FATAL_ERROR "${CASE} says nothing of what to expect for ${DIALECT}")
endif()
message(STATUS "${lines}")
