# SPDX-License-Identifier: MIT
# What typenet::thrust and typenet::cuda need beyond typenet::typenet. The source tree and the installed package share it, since only who
# builds a program knows its compilers.

include_guard(GLOBAL)

# typenet_find_thrust(<variable>): sets it to what is missing for typenet::thrust, or to nothing. Thrust's headers are taken from the folder
# that the cache variable TYPENET_THRUST_INCLUDE_DIR names; else from a CUDA Toolkit's, which may be there without nvcc on the path; else
# from the system's.
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

# typenet_thrust_version(<folder> <variable>): sets it to the THRUST_VERSION of that folder's thrust/version.h (101702 is 1.17.2), or to 0.
function(typenet_thrust_version folder version)
  set(${version} 0 PARENT_SCOPE)
  if(EXISTS "${folder}/thrust/version.h")
    file(STRINGS "${folder}/thrust/version.h" line REGEX "#define THRUST_VERSION [0-9]+" LIMIT_COUNT 1)
    if(line MATCHES "THRUST_VERSION ([0-9]+)")
      set(${version} ${CMAKE_MATCH_1} PARENT_SCOPE)
    endif()
  endif()
endfunction()

# typenet_use_thrust(<target>): gives an interface target what typenet_find_thrust() found. Only C++ is told of it: under nvcc Thrust is the
# toolkit's own, on CUDA.
function(typenet_use_thrust target)
  target_include_directories(${target} SYSTEM INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${TYPENET_THRUST_INCLUDE_DIR}>")
  if(TYPENET_THRUST_SYSTEM)
    target_compile_definitions(
      ${target} INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:THRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_${TYPENET_THRUST_SYSTEM}>")
  endif()
endfunction()

# typenet_find_cuda(<variable>): sets it to what is missing for typenet::cuda, or to nothing.
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

# typenet_use_cuda(<target>): gives an interface target what nvcc needs to compile typenet's kernels. The CUDA runtime is linked by CMake
# itself, as CUDA_RUNTIME_LIBRARY says.
function(typenet_use_cuda target)
  if("cuda_std_20" IN_LIST CMAKE_CUDA_COMPILE_FEATURES)
    target_compile_features(${target} INTERFACE cuda_std_20)
  else()
    # CMake before 3.26 does not know that nvcc has it.
    target_compile_options(${target} INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>")
  endif()
  target_compile_options(${target} INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda;--expt-relaxed-constexpr>")
endfunction()

# The option by which nvcc's host compiler runs OpenMP: CMake's own target knows C++ only. Without it the two halves of a program would
# disagree on what typenet's headers say.
set(typenet_openmp_for_cuda "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:-Xcompiler=-fopenmp>")
