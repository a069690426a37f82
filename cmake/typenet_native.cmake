# SPDX-License-Identifier: MIT

include_guard(GLOBAL)
include(CheckCXXCompilerFlag)

# typenet_host_options(<target> <option>): adds an option for the C++ compiler and, in CUDA sources, for the host compiler of nvcc.
function(typenet_host_options target option)
  target_compile_options(
    ${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${option}>" "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:-Xcompiler=${option}>")
endfunction()

# typenet_native(<target>): optimizes a target for the instruction set of the machine that compiles it; typenet's speed depends on this.
# The program may not run on another machine.
# Call it for a whole program: objects that exchange types of Eigen or typenet must be compiled for one instruction set.
# In CUDA sources it applies to host code; CUDA_ARCHITECTURES selects the device.
# Debug builds keep their asserts and their optimization level.
function(typenet_native target)
  if(CMAKE_CROSSCOMPILING)
    message(WARNING "typenet_native(${target}): cross-compiling, so the target's machine is not this one; set -march yourself")
    return()
  endif()
  typenet_native_instructions(${target})
  check_cxx_compiler_flag(-O3 TYPENET_HAS_O3)
  if(TYPENET_HAS_O3)
    target_compile_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O3>)
  endif()
  target_compile_definitions(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:NDEBUG>)
endfunction()

# typenet_native_instructions(<target>): sets the instruction set only.
function(typenet_native_instructions target)
  check_cxx_compiler_flag(-march=native TYPENET_HAS_MARCH_NATIVE)
  if(TYPENET_HAS_MARCH_NATIVE)
    typenet_host_options(${target} -march=native)
  else()
    check_cxx_compiler_flag(-mcpu=native TYPENET_HAS_MCPU_NATIVE)
    if(TYPENET_HAS_MCPU_NATIVE)
      typenet_host_options(${target} -mcpu=native)
    else()
      message(WARNING "typenet_native(${target}): ${CMAKE_CXX_COMPILER_ID} has no flag for this machine's instruction set")
    endif()
  endif()
endfunction()
