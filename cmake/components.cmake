# SPDX-License-Identifier: MIT
# Defines the targets that a user links. typenet::typenet needs only Eigen. The other components are optional:
#   typenet::io      weights and checkpoints; needs nlohmann-json
#   typenet::data    data sets on disk; needs zlib
#   typenet::thrust  the Thrust backend on host threads; needs Thrust
#   typenet::cuda    the Thrust backend on a GPU; needs nvcc
# No target sets warnings, optimization or an instruction set: the user chooses these.

find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(Threads REQUIRED)

file(GLOB_RECURSE typenet_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/typenet/*.hpp" "${PROJECT_SOURCE_DIR}/include/typenet/*.cuh")

add_library(typenet INTERFACE)
add_library(typenet::typenet ALIAS typenet)
target_sources(typenet INTERFACE FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${typenet_headers})
target_compile_features(typenet INTERFACE cxx_std_20)
target_link_libraries(typenet INTERFACE Eigen3::Eigen Threads::Threads)
if(NOT PROJECT_IS_TOP_LEVEL)
  # Suppresses the warnings of the user in the headers of typenet. Installed headers are system headers in any case.
  set_target_properties(typenet PROPERTIES SYSTEM ON)
endif()

# The machine that uses an installed typenet may have other libraries than the machine that installed it. The installed package therefore
# searches for OpenMP and for the libraries of the components again (typenet-config.cmake).
if(TYPENET_OPENMP)
  find_package(OpenMP QUIET COMPONENTS CXX)
  if(OpenMP_CXX_FOUND)
    target_link_libraries(typenet INTERFACE $<BUILD_INTERFACE:OpenMP::OpenMP_CXX>)
    target_compile_options(typenet INTERFACE "$<BUILD_INTERFACE:${typenet_openmp_for_cuda}>")
  else()
    message(STATUS "typenet: OpenMP not found; networks run on one thread")
  endif()
endif()

find_package(nlohmann_json 3.9 QUIET)
if(nlohmann_json_FOUND)
  add_library(typenet_io INTERFACE)
  add_library(typenet::io ALIAS typenet_io)
  target_link_libraries(typenet_io INTERFACE typenet nlohmann_json::nlohmann_json)
else()
  message(STATUS "typenet: no typenet::io, which needs nlohmann-json (Debian: nlohmann-json3-dev)")
endif()

find_package(ZLIB QUIET)
if(ZLIB_FOUND)
  add_library(typenet_data INTERFACE)
  add_library(typenet::data ALIAS typenet_data)
  target_link_libraries(typenet_data INTERFACE typenet ZLIB::ZLIB)
else()
  message(STATUS "typenet: no typenet::data, which needs zlib (Debian: zlib1g-dev)")
endif()

set(TYPENET_THRUST_SYSTEM "" CACHE STRING "What typenet::thrust runs on: OMP, CPP, or empty for OMP where there is OpenMP")
set_property(CACHE TYPENET_THRUST_SYSTEM PROPERTY STRINGS "" OMP CPP)
typenet_find_thrust(missing)
if(NOT missing)
  add_library(typenet_thrust INTERFACE)
  add_library(typenet::thrust ALIAS typenet_thrust)
  target_link_libraries(typenet_thrust INTERFACE typenet)
  typenet_use_thrust(typenet_thrust)
elseif(TYPENET_THRUST_SYSTEM)
  message(FATAL_ERROR "TYPENET_THRUST_SYSTEM is ${TYPENET_THRUST_SYSTEM}: typenet::thrust needs ${missing}")
else()
  message(STATUS "typenet: no typenet::thrust, which needs ${missing}")
endif()

# The target is needed only by programs in this build; the installed package searches for nvcc itself.
if(TYPENET_CUDA AND typenet_has_programs)
  typenet_find_cuda(missing)
  if(NOT missing)
    add_library(typenet_cuda INTERFACE)
    add_library(typenet::cuda ALIAS typenet_cuda)
    target_link_libraries(typenet_cuda INTERFACE typenet)
    typenet_use_cuda(typenet_cuda)
  elseif(NOT TYPENET_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "TYPENET_CUDA is ${TYPENET_CUDA}: typenet::cuda needs ${missing}")
  else()
    message(STATUS "typenet: no typenet::cuda, which needs ${missing}")
  endif()
endif()
