# SPDX-License-Identifier: MIT

include_guard(GLOBAL)
include(CheckCXXCompilerFlag)

# typenet_native(<target>): compiles a target for the instruction set of this machine and optimises it, which is what typenet's speed
# comes from. The program may not run on another machine.
function(typenet_native target)
  check_cxx_compiler_flag(-march=native TYPENET_HAS_MARCH_NATIVE)
  check_cxx_compiler_flag(-mcpu=native TYPENET_HAS_MCPU_NATIVE)
  if(TYPENET_HAS_MARCH_NATIVE)
    target_compile_options(${target} PRIVATE -march=native)
  elseif(TYPENET_HAS_MCPU_NATIVE)
    target_compile_options(${target} PRIVATE -mcpu=native)
  else()
    message(WARNING "typenet_native(${target}): ${CMAKE_CXX_COMPILER_ID} has no flag for this machine's instruction set")
  endif()
  if(NOT MSVC)
    target_compile_options(${target} PRIVATE -O3)
  endif()
  target_compile_definitions(${target} PRIVATE NDEBUG)
endfunction()
