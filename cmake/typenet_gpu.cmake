# SPDX-License-Identifier: MIT
# Finds the dependencies of typenet::thrust and typenet::cuda. The source tree and the installed package share this file, because the
# compilers are known only when a program is built.

include_guard(GLOBAL)

# typenet_find_thrust(<variable>): sets the variable to what is missing for typenet::thrust; it is empty if nothing is missing. Thrust's
# headers are searched for in three places, in this order:
# the folder TYPENET_THRUST_INCLUDE_DIR (a cache variable), a CUDA Toolkit (even if nvcc is not in PATH), the system's include folders.
function(typenet_find_thrust missing)
  set(toolkits "")
  foreach(nvcc IN ITEMS "${CMAKE_CUDA_COMPILER}" "${TYPENET_NVCC}")
    if(nvcc)
      get_filename_component(nvcc "${nvcc}" REALPATH)
      get_filename_component(toolkit "${nvcc}" DIRECTORY)
      get_filename_component(toolkit "${toolkit}" DIRECTORY)
      list(APPEND toolkits "${toolkit}")
    endif()
  endforeach()
  find_path(
    TYPENET_THRUST_INCLUDE_DIR thrust/version.h
    HINTS ${toolkits} ${CUDAToolkit_ROOT} ENV CUDAToolkit_ROOT ENV CUDA_PATH /usr/local/cuda
    PATH_SUFFIXES include/cccl include
    DOC "The folder that holds Thrust's thrust/")
  mark_as_advanced(TYPENET_THRUST_INCLUDE_DIR)
  typenet_thrust_version("${TYPENET_THRUST_INCLUDE_DIR}" version)
  set(${missing} "" PARENT_SCOPE)
  if(version LESS 101700)
    set(${missing}
        "Thrust 1.17 or later (Debian: libthrust-dev; every CUDA Toolkit has it too, and TYPENET_THRUST_INCLUDE_DIR may name its folder)"
        PARENT_SCOPE)
  elseif(NOT "${TYPENET_THRUST_SYSTEM}" MATCHES "^(OMP|CPP)?$")
    set(${missing} "TYPENET_THRUST_SYSTEM to be OMP, CPP or empty, not '${TYPENET_THRUST_SYSTEM}'" PARENT_SCOPE)
  elseif("${TYPENET_THRUST_SYSTEM}" STREQUAL "OMP" AND NOT TARGET OpenMP::OpenMP_CXX)
    set(${missing} "OpenMP for TYPENET_THRUST_SYSTEM=OMP (Debian, for clang: libomp-dev)" PARENT_SCOPE)
  endif()
endfunction()

# typenet_thrust_version(<folder> <variable>): sets the variable to THRUST_VERSION of the folder's thrust/version.h, or to 0 without it.
# Example: 101702 is version 1.17.2.
function(typenet_thrust_version folder version)
  set(${version} 0 PARENT_SCOPE)
  if(EXISTS "${folder}/thrust/version.h")
    file(STRINGS "${folder}/thrust/version.h" line REGEX "#define THRUST_VERSION [0-9]+" LIMIT_COUNT 1)
    if(line MATCHES "THRUST_VERSION ([0-9]+)")
      set(${version} ${CMAKE_MATCH_1} PARENT_SCOPE)
    endif()
  endif()
endfunction()

# typenet_use_thrust(<target>): adds the result of typenet_find_thrust() to an interface target, for C++ sources only. nvcc uses the Thrust
# of its own toolkit, with CUDA as the device system.
function(typenet_use_thrust target)
  target_include_directories(${target} SYSTEM INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${TYPENET_THRUST_INCLUDE_DIR}>")
  if(TYPENET_THRUST_SYSTEM)
    target_compile_definitions(
      ${target} INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:THRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_${TYPENET_THRUST_SYSTEM}>")
  endif()
endfunction()

# typenet_find_cuda(<variable>): sets the variable to what is missing for typenet::cuda; it is empty if nothing is missing.
function(typenet_find_cuda missing)
  set(${missing} "" PARENT_SCOPE)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(NOT CUDA IN_LIST languages)
    set(${missing} "the language CUDA: project(... LANGUAGES CXX CUDA), with nvcc of the CUDA Toolkit 12.4 or later" PARENT_SCOPE)
  elseif(NOT CMAKE_CUDA_COMPILER_ID STREQUAL "NVIDIA" OR CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.4)
    set(${missing}
        "nvcc of the CUDA Toolkit 12.4 or later; the compiler of CUDA is ${CMAKE_CUDA_COMPILER_ID} ${CMAKE_CUDA_COMPILER_VERSION}" PARENT_SCOPE)
  endif()
endfunction()

# typenet_use_cuda(<target>): adds the options that nvcc needs for typenet's kernels to an interface target. CMake itself links the CUDA
# runtime, as CUDA_RUNTIME_LIBRARY selects.
function(typenet_use_cuda target)
  if("cuda_std_20" IN_LIST CMAKE_CUDA_COMPILE_FEATURES)
    target_compile_features(${target} INTERFACE cuda_std_20)
  else()
    # CMake before 3.26 does not know that nvcc supports C++20.
    target_compile_options(${target} INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>")
  endif()
  target_compile_options(${target} INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda;--expt-relaxed-constexpr>")
endfunction()

# The option that enables OpenMP in nvcc's host compiler; CMake's own target covers C++ only. The C++ and the CUDA sources of a program must
# agree on this option, because typenet's headers depend on it.
set(typenet_openmp_for_cuda "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:-Xcompiler=-fopenmp>")
