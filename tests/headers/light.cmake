# SPDX-License-Identifier: MIT
# The declarative half includes none of the headers that cost its users seconds, and nothing that runs networks.
file(WRITE light.cpp "#include <typenet/declarative.hpp>\n")
execute_process(COMMAND "${COMPILER}" -std=c++20 -M "-I${INCLUDE}" light.cpp OUTPUT_VARIABLE files COMMAND_ERROR_IS_FATAL ANY)
# It reads its own files, or nothing is checked.
foreach(own declarative network core/shape)
  if(NOT files MATCHES "typenet/${own}\\.hpp")
    message(SEND_ERROR "typenet/declarative.hpp does not include typenet/${own}.hpp: has this test gone blind?")
  endif()
endforeach()
foreach(heavy Eigen thrust iostream functional random ranges regex thread omp.h typenet/backends typenet/model.hpp)
  if(files MATCHES "/${heavy}[ \n/]")
    message(SEND_ERROR "typenet/declarative.hpp includes <${heavy}>")
  endif()
endforeach()
