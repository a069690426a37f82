# SPDX-License-Identifier: MIT
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(typenet_package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/typenet")

install(
  TARGETS typenet
  EXPORT typenet-targets
  FILE_SET HEADERS)
install(EXPORT typenet-targets NAMESPACE typenet:: DESTINATION "${typenet_package_folder}")

foreach(component io data)
  if(TARGET typenet_${component})
    install(TARGETS typenet_${component} EXPORT typenet-${component}-targets)
    install(EXPORT typenet-${component}-targets NAMESPACE typenet:: DESTINATION "${typenet_package_folder}")
  endif()
endforeach()

configure_package_config_file(cmake/typenet-config.cmake.in "${PROJECT_BINARY_DIR}/typenet-config.cmake"
                              INSTALL_DESTINATION "${typenet_package_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/typenet-config-version.cmake" COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/typenet-config.cmake" "${PROJECT_BINARY_DIR}/typenet-config-version.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/typenet_native.cmake" DESTINATION "${typenet_package_folder}")
