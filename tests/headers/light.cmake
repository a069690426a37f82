# SPDX-License-Identifier: MIT
# The declarative half includes none of the headers that cost its users seconds.
file(WRITE light.cpp "#include <typenet/declarative.hpp>\n")
execute_process(COMMAND "${COMPILER}" -std=c++20 -M "-I${INCLUDE}" light.cpp OUTPUT_VARIABLE files COMMAND_ERROR_IS_FATAL ANY)
foreach(heavy Eigen thrust iostream functional random ranges regex omp.h)
  if(files MATCHES "/${heavy}[ \n/]")
    message(SEND_ERROR "typenet/declarative.hpp includes <${heavy}>")
  endif()
endforeach()
