# SPDX-License-Identifier: MIT
# Configures, builds and runs the outside project of a few files that uses typenet in one WAY: find_package, thrust or cuda (components, from
# a real installation), add_subdirectory or fetch_content. The project for cuda is an example, and needs a GPU, so it is not run; that for
# warnings, as a subdirectory, is compiled alone.

set(project "${CMAKE_CURRENT_LIST_DIR}/${WAY}")
if(WAY STREQUAL "cuda")
  set(project "${SOURCE}/examples/cuda_consumer")
endif()
set(type Debug)
if(WAY STREQUAL "warnings")
  set(type "")
endif()
set(configure "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${project}" "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_BUILD_TYPE=${type}")
if(WAY STREQUAL "cuda")
  list(APPEND configure "-DCMAKE_CUDA_COMPILER=${CUDA_COMPILER}" "-DCMAKE_CUDA_HOST_COMPILER=${COMPILER}" -DCMAKE_CUDA_ARCHITECTURES=90)
endif()

file(REMOVE_RECURSE "${BUILD}")
if(WAY MATCHES "^(find_package|thrust|cuda)$")
  set(installer "${TYPENET_BUILD}")
  if(WAY STREQUAL "find_package")
    # As a user installs it, who needs no compiler of another language.
    set(installer "${BUILD}/installer")
    execute_process(
      COMMAND "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${SOURCE}" -B "${installer}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
              -DTYPENET_BUILD_TESTS=OFF -DTYPENET_BUILD_EXAMPLES=OFF -DTYPENET_BUILD_BENCHMARKS=OFF
      OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
    if(text MATCHES "CUDA compiler")
      message(FATAL_ERROR "to install the headers, a compiler for CUDA was looked for:\n${text}")
    endif()
  endif()
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${installer}" --prefix "${BUILD}/prefix" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  # An installed header that the tree does not have, or the other way round, is a mistake of the install rules.
  foreach(root "${SOURCE}" "${BUILD}/prefix")
    file(GLOB_RECURSE headers RELATIVE "${root}/include" "${root}/include/*")
    list(LENGTH headers count)
    list(APPEND counts ${count})
  endforeach()
  list(GET counts 0 in_the_tree)
  list(GET counts 1 installed)
  if(NOT in_the_tree EQUAL installed)
    message(FATAL_ERROR "${in_the_tree} files under include/, but ${installed} installed")
  endif()
  list(APPEND configure "-DCMAKE_PREFIX_PATH=${BUILD}/prefix")
else()
  list(APPEND configure "-DTYPENET_SOURCE=${SOURCE}")
endif()

execute_process(COMMAND ${configure} -B "${BUILD}/build" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${BUILD}/build" COMMAND_ERROR_IS_FATAL ANY)
if(NOT WAY MATCHES "^(cuda|warnings)$")
  execute_process(COMMAND "${BUILD}/build/outside" COMMAND_ERROR_IS_FATAL ANY)
endif()

# refused(<name> <expected text> <argument>...): the same project, configured with these, is refused with this text.
function(refused name expected)
  execute_process(
    COMMAND ${configure} -B "${BUILD}/${name}" ${ARGN}
    RESULT_VARIABLE failed
    ERROR_VARIABLE text
    OUTPUT_QUIET)
  string(REGEX REPLACE "[ \n]+" " " text "${text}")
  string(FIND "${text}" "${expected}" found)
  if(NOT failed OR found EQUAL -1)
    message(FATAL_ERROR "${name}: not refused with \"${expected}\", but:\n${text}")
  endif()
  message(STATUS "${name}: refused")
endfunction()

if(WAY STREQUAL "find_package")
  refused(no_zlib "typenet's component 'data' needs zlib (Debian: zlib1g-dev), which was not found" -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON)
  refused(no_json "typenet's component 'io' needs nlohmann-json (Debian: nlohmann-json3-dev), which was not found"
          -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON)
  refused(no_component "typenet has no component 'holography'; it has: io data thrust cuda" -DMORE_COMPONENTS=holography)
  refused(no_cuda "typenet's component 'cuda' needs the language CUDA: project(... LANGUAGES CXX CUDA), with nvcc" -DMORE_COMPONENTS=cuda)
  refused(no_thrust "typenet's component 'thrust' needs Thrust 1.17 or later (Debian: libthrust-dev;" -DMORE_COMPONENTS=thrust
          "-DTYPENET_THRUST_INCLUDE_DIR=${BUILD}/nowhere")
elseif(WAY STREQUAL "thrust")
  refused(no_system "TYPENET_THRUST_SYSTEM to be OMP, CPP or empty, not 'TBB'" -DTYPENET_THRUST_SYSTEM=TBB)
endif()
