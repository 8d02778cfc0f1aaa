# portolan_embed_text(ShippedThings HEADER lib/Area/ShippedThings.h
#   ELEMENT portolan::ShippedThing FUNCTION portolan::shippedThings
#   FILES first.json second.json): data files as a source of libPortolan.so.
# HEADER declares ELEMENT, a struct of a name and a text, and FUNCTION, which
# returns an llvm::ArrayRef of one ELEMENT per file, named without extension.
function(portolan_embed_text name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "HEADER;ELEMENT;FUNCTION" "FILES")
  set(files ${arg_FILES})
  list(TRANSFORM files PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  set(script ${PROJECT_SOURCE_DIR}/cmake/EmbedText.cmake)
  string(REPLACE ";" "," joined "${files}")
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DFILES=${joined} -DOUTPUT=${output}
            -DHEADER=${arg_HEADER} -DELEMENT=${arg_ELEMENT}
            -DFUNCTION=${arg_FUNCTION} -P ${script}
    DEPENDS ${files} ${script}
    COMMENT "Embedding the files of ${name}" VERBATIM)
  target_sources(Portolan PRIVATE ${output})
  # The rule lives in the caller's folder, the library's sources in another.
  add_custom_target(Portolan${name} DEPENDS ${output})
  set_source_files_properties(${output} TARGET_DIRECTORY Portolan PROPERTIES
    GENERATED ON SKIP_PRECOMPILE_HEADERS ON)
  add_dependencies(portolan-headers Portolan${name})
endfunction()
