# SPDX-License-Identifier: MIT
# Reads every #include of the library and fails on one that goes up: a header includes only from its own floor or from floors below.
# usage: cmake -DINCLUDE=<the folder that holds typenet/> -P floors.cmake

# The floors from the ground up. A floor is a list of folders, or of headers at the top, joined by "|".
set(floors
    "core/"
    "simd/"
    "layer/"
    "kernels/"
    "layers/|losses/|optimizers/"
    "models/"
    "graph/"
    "network.hpp|summary.hpp"
    "backends/"
    "runtime/"
    "model.hpp"
    "data/"
    "train/"
    "io/"
    "[a-z]+\\.hpp") # umbrellas

# floor_of(<variable> <header>): sets it to the number of the header's floor, or to -1.
function(floor_of variable header)
  set(number 0)
  foreach(floor IN LISTS floors)
    if(header MATCHES "^(${floor})")
      set(${variable} ${number} PARENT_SCOPE)
      return()
    endif()
    math(EXPR number "${number} + 1")
  endforeach()
  set(${variable} -1 PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE headers RELATIVE "${INCLUDE}/typenet" "${INCLUDE}/typenet/*.hpp" "${INCLUDE}/typenet/*.cuh")
list(LENGTH headers count)
if(count EQUAL 0)
  message(FATAL_ERROR "no headers in ${INCLUDE}/typenet")
endif()
set(failures "")
foreach(header IN LISTS headers)
  floor_of(own "${header}")
  if(own EQUAL -1)
    string(APPEND failures "  ${header} is on no floor; floors.cmake lists them\n")
  endif()
  file(STRINGS "${INCLUDE}/typenet/${header}" includes REGEX "^#include [<\"]typenet/")
  foreach(line IN LISTS includes)
    string(REGEX REPLACE "^#include [<\"]typenet/([^>\"]+).*" "\\1" other "${line}")
    floor_of(theirs "${other}")
    if(NOT EXISTS "${INCLUDE}/typenet/${other}")
      string(APPEND failures "  ${header} includes ${other}, which does not exist\n")
    elseif(theirs GREATER own)
      string(APPEND failures "  ${header} includes ${other}, which is on a higher floor\n")
    endif()
  endforeach()
endforeach()
if(failures)
  message(FATAL_ERROR "headers that include from a higher floor:\n${failures}")
endif()
message(STATUS "${count} headers, no include goes up")
