# Every dialect as IRDL (build/irdl/*.irdl.mlir), and the tables by which
# modules are printed for it, from the records of the .td files.
#
# tblgen-to-irdl writes neither valid nor complete files for our ops
# (docs/decisions), hence a script over what llvm-tblgen knows of them.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_program(PORTOLAN_LLVM_TBLGEN llvm-tblgen
             HINTS ${LLVM_TOOLS_BINARY_DIR} REQUIRED)

get_property(dialects GLOBAL PROPERTY PORTOLAN_DIALECTS)
file(GLOB_RECURSE definitions CONFIGURE_DEPENDS dialects/*.td)
set(records "")
set(irdl_files ${PROJECT_BINARY_DIR}/irdl/portolan.irdl.mlir)
foreach(dialect IN LISTS dialects)
  string(REPLACE ":" ";" dialect ${dialect})
  list(GET dialect 0 name)
  list(GET dialect 1 namespace)
  set(record ${PROJECT_BINARY_DIR}/irdl/${name}.json)
  set(source ${PROJECT_SOURCE_DIR}/dialects/${name}/IR/${name}Ops.td)
  add_custom_command(OUTPUT ${record}
    COMMAND ${PORTOLAN_LLVM_TBLGEN} --dump-json -I ${PROJECT_SOURCE_DIR}
            -I ${MLIR_INCLUDE_DIRS} ${source} -o ${record}
    DEPENDS ${definitions} VERBATIM)
  list(APPEND records ${record})
  list(APPEND irdl_files ${PROJECT_BINARY_DIR}/irdl/${namespace}.irdl.mlir)
endforeach()

set(tables ${PROJECT_BINARY_DIR}/lib/Export/IrdlLists.inc)
set(script ${PROJECT_SOURCE_DIR}/tools/lib/irdl.py)
add_custom_command(OUTPUT ${irdl_files} BYPRODUCTS ${tables}
  COMMAND ${Python3_EXECUTABLE} ${script} ${PROJECT_BINARY_DIR}/irdl ${tables}
          ${records}
  DEPENDS ${records} ${script}
  COMMENT "Writing the dialects as IRDL" VERBATIM)
add_custom_target(PortolanIrdl ALL DEPENDS ${irdl_files})
add_dependencies(portolan-headers PortolanIrdl)
install(FILES ${irdl_files} DESTINATION ${CMAKE_INSTALL_DATADIR}/portolan/irdl)
