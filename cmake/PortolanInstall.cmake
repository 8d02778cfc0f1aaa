# What `cmake --install` puts where: the library and its plug-in, headers with
# the generated ones, .td files, machine files, and the CMake package.
include(CMakePackageConfigHelpers)

set(headers ${CMAKE_INSTALL_INCLUDEDIR}/portolan)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Portolan)

install(TARGETS Portolan EXPORT PortolanTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT PortolanTargets NAMESPACE Portolan:: DESTINATION ${package})

install(DIRECTORY include/portolan/ DESTINATION ${headers}
  FILES_MATCHING PATTERN "*.h")
# Headers name dialects and generated files by their path in the tree.
install(DIRECTORY dialects DESTINATION ${headers}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "Specs" EXCLUDE)
install(DIRECTORY ${PROJECT_BINARY_DIR}/dialects DESTINATION ${headers}
  FILES_MATCHING PATTERN "*.h.inc"
  PATTERN "CMakeFiles" EXCLUDE PATTERN "Specs" EXCLUDE)
install(DIRECTORY ${PROJECT_BINARY_DIR}/lib/Conversion
  DESTINATION ${headers}/lib
  FILES_MATCHING PATTERN "*Passes.h.inc" PATTERN "CMakeFiles" EXCLUDE)

install(DIRECTORY dialects/Machine/Specs/
  DESTINATION ${CMAKE_INSTALL_DATADIR}/portolan/machines
  FILES_MATCHING PATTERN "*.mlir")
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(cmake/PortolanConfig.cmake.in
  ${PROJECT_BINARY_DIR}/cmake/PortolanConfig.cmake
  INSTALL_DESTINATION ${package}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_BINDIR CMAKE_INSTALL_LIBDIR
            CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/cmake/PortolanConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/PortolanConfig.cmake
              ${PROJECT_BINARY_DIR}/cmake/PortolanConfigVersion.cmake
  DESTINATION ${package})
