# SPDX-License-Identifier: MIT
# The targets that a user links: typenet::typenet, which needs Eigen alone, and the optional components typenet::io (checkpoints, by
# nlohmann-json) and typenet::data (data sets on disk, by zlib).

find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(OpenMP COMPONENTS CXX)
find_package(Threads REQUIRED)

file(GLOB_RECURSE typenet_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/typenet/*.hpp")

add_library(typenet INTERFACE)
add_library(typenet::typenet ALIAS typenet)
target_sources(typenet INTERFACE FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${typenet_headers})
target_compile_features(typenet INTERFACE cxx_std_20)
target_link_libraries(typenet INTERFACE Eigen3::Eigen Threads::Threads)
if(OpenMP_CXX_FOUND)
  target_link_libraries(typenet INTERFACE OpenMP::OpenMP_CXX)
else()
  message(STATUS "typenet: OpenMP not found; networks run on one thread")
endif()

# A component is there where its dependency is; who asks for one that is not is told what to install.
find_package(nlohmann_json 3.9 QUIET)
if(nlohmann_json_FOUND)
  add_library(typenet_io INTERFACE)
  add_library(typenet::io ALIAS typenet_io)
  set_target_properties(typenet_io PROPERTIES EXPORT_NAME io)
  target_link_libraries(typenet_io INTERFACE typenet nlohmann_json::nlohmann_json)
endif()

find_package(ZLIB QUIET)
if(ZLIB_FOUND)
  add_library(typenet_data INTERFACE)
  add_library(typenet::data ALIAS typenet_data)
  set_target_properties(typenet_data PROPERTIES EXPORT_NAME data)
  target_link_libraries(typenet_data INTERFACE typenet ZLIB::ZLIB)
endif()
