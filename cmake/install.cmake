# SPDX-License-Identifier: MIT
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Installs headers only, so the package is independent of the architecture.
set(typenet_package_folder "${CMAKE_INSTALL_DATADIR}/cmake/typenet")

install(
  TARGETS typenet
  EXPORT typenet-targets
  FILE_SET HEADERS)
install(
  EXPORT typenet-targets
  NAMESPACE typenet::
  DESTINATION "${typenet_package_folder}")

configure_package_config_file(cmake/typenet-config.cmake.in "${PROJECT_BINARY_DIR}/typenet-config.cmake"
                              INSTALL_DESTINATION "${typenet_package_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/typenet-config-version.cmake" COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/typenet-config.cmake" "${PROJECT_BINARY_DIR}/typenet-config-version.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/typenet_native.cmake" "${PROJECT_SOURCE_DIR}/cmake/typenet_gpu.cmake"
        DESTINATION "${typenet_package_folder}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/typenet")
