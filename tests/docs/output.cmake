# SPDX-License-Identifier: MIT
# Runs a program of the documents. Fails unless it succeeds and prints what its page shows.
# usage: cmake -DPROGRAM=<file> -DEXPECTED=<file> -P output.cmake

execute_process(COMMAND "${PROGRAM}" RESULT_VARIABLE failed OUTPUT_VARIABLE printed)
if(failed)
  message(FATAL_ERROR "${PROGRAM} failed: ${failed}")
endif()
file(READ "${EXPECTED}" expected)
if(NOT printed STREQUAL expected)
  message(FATAL_ERROR "the page shows\n${expected}but the program prints\n${printed}")
endif()
