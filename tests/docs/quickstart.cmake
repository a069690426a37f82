# SPDX-License-Identifier: MIT
# Fails unless the first C++ block of the README is examples/quickstart.cpp without its license line.
# usage: cmake -DROOT=<the project's folder> -P quickstart.cmake

file(READ "${ROOT}/README.md" readme)
file(READ "${ROOT}/examples/quickstart.cpp" program)
string(FIND "${program}" "\n" end)
string(SUBSTRING "${program}" ${end} -1 program)
string(FIND "${readme}" "\n```cpp\n" shown)
string(FIND "${readme}" "\n```cpp${program}```\n" expected)
if(shown EQUAL -1 OR NOT shown EQUAL expected)
  message(FATAL_ERROR "the first C++ block of README.md is not examples/quickstart.cpp; copy the program, without its first line")
endif()
