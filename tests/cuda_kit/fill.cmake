# SPDX-License-Identifier: MIT
# Fills FOLDER: the programs TESTS and BENCHMARKS, the shared libraries that they need except the C library's, the golden files, the measurements
# of PyTorch, and run.sh. LIBRARIES, joined by "|", are the folders where libraries are looked for.
cmake_minimum_required(VERSION 3.25)
string(REPLACE "|" ";" folders "${LIBRARIES}")
file(REMOVE_RECURSE "${FOLDER}")
file(
  GET_RUNTIME_DEPENDENCIES
  EXECUTABLES "${TESTS}" "${BENCHMARKS}"
  RESOLVED_DEPENDENCIES_VAR found
  UNRESOLVED_DEPENDENCIES_VAR missing
  DIRECTORIES ${folders}
  # These belong to the system: the C library's parts must be of one version, and the driver brings its library.
  PRE_EXCLUDE_REGEXES "^(ld-linux.*|libc|libm|libpthread|libdl|librt|libcuda)\\.so")
if(missing)
  message(FATAL_ERROR "the kit lacks libraries of its programs: ${missing}")
endif()
foreach(library IN LISTS found)
  file(COPY "${library}" DESTINATION "${FOLDER}/lib" FOLLOW_SYMLINK_CHAIN)
endforeach()
file(COPY "${TESTS}" "${BENCHMARKS}" DESTINATION "${FOLDER}/bin")
file(COPY "${GOLDEN}/layers.json" "${GOLDEN}/optimizers.json" "${GOLDEN}/augmentation.txt" DESTINATION "${FOLDER}/golden")
file(COPY "${PYTORCH}" "${CMAKE_CURRENT_LIST_DIR}/run.sh" DESTINATION "${FOLDER}")
