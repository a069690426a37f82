# SPDX-License-Identifier: MIT
# Compiles each of NAMES by itself, included twice.
foreach(name IN LISTS NAMES)
  file(WRITE alone.cpp "#include <${name}>\n#include <${name}>\n")
  execute_process(COMMAND "${COMPILER}" -std=c++20 -fsyntax-only -Wall -Wextra "-I${INCLUDE}" -isystem "${EIGEN}" alone.cpp RESULT_VARIABLE failed
                  ERROR_VARIABLE errors)
  if(failed)
    message(SEND_ERROR "${name} does not compile alone:\n${errors}")
  endif()
endforeach()
list(LENGTH NAMES count)
message(STATUS "${count} headers compile alone")
