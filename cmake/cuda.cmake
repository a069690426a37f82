# SPDX-License-Identifier: MIT
# Enables the language CUDA if TYPENET_CUDA allows it and typenet's own programs are built. An installation of the headers needs no
# compiler. Inside another project, that project enables the language.

set(TYPENET_CUDA AUTO CACHE STRING "Offer typenet::cuda and build what nvcc compiles: ON, OFF, or AUTO (where nvcc is found)")
set_property(CACHE TYPENET_CUDA PROPERTY STRINGS AUTO ON OFF)

# True if this build may have targets for nvcc: its own programs, or targets of the enclosing project.
set(typenet_has_programs ON)
if(PROJECT_IS_TOP_LEVEL
   AND NOT TYPENET_BUILD_TESTS
   AND NOT TYPENET_BUILD_EXAMPLES
   AND NOT TYPENET_BUILD_BENCHMARKS)
  set(typenet_has_programs OFF)
endif()

get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
if(TYPENET_CUDA
   AND typenet_has_programs
   AND NOT CUDA IN_LIST languages)
  if(NOT PROJECT_IS_TOP_LEVEL)
    if(NOT TYPENET_CUDA STREQUAL "AUTO")
      message(FATAL_ERROR "TYPENET_CUDA is ${TYPENET_CUDA}, which needs the language CUDA: enable it before typenet is added, "
                          "by project(... LANGUAGES CXX CUDA)")
    endif()
  else()
    # The toolkit's folder is often not in PATH.
    find_program(TYPENET_NVCC nvcc HINTS ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin DOC "The CUDA compiler")
    mark_as_advanced(TYPENET_NVCC)
    if(NOT CMAKE_CUDA_COMPILER
       AND NOT DEFINED ENV{CUDACXX}
       AND TYPENET_NVCC)
      set(ENV{CUDACXX} "${TYPENET_NVCC}")
    endif()
    # Uses one host compiler for both languages, so that a program has one OpenMP runtime.
    if(NOT CMAKE_CUDA_HOST_COMPILER AND NOT DEFINED ENV{CUDAHOSTCXX})
      set(ENV{CUDAHOSTCXX} "${CMAKE_CXX_COMPILER}")
    endif()
    if(TYPENET_CUDA STREQUAL "AUTO")
      include(CheckLanguage)
      check_language(CUDA)
      if(CMAKE_CUDA_COMPILER)
        enable_language(CUDA)
      endif()
    elseif(
      CMAKE_CUDA_COMPILER
      OR DEFINED ENV{CUDACXX}
      OR TYPENET_NVCC)
      enable_language(CUDA)
    else()
      message(FATAL_ERROR "TYPENET_CUDA is ${TYPENET_CUDA}, but nvcc is neither on the path nor in /usr/local/cuda/bin. Install the CUDA "
                          "Toolkit 12.4 or later, name nvcc by -DCMAKE_CUDA_COMPILER=, or configure with -DTYPENET_CUDA=OFF.")
    endif()
  endif()
endif()
