# Turns the records that llvm-tblgen dumped as JSON into rows of a C++ table,
# in order of definition (records are named after their ids and sorted there).
file(READ ${INPUT} json)
string(JSON count LENGTH "${json}" "!instanceof" "Remark")
math(EXPR last "${count} - 1")
set(rows "")
foreach(index RANGE ${last})
  string(JSON record GET "${json}" "!instanceof" "Remark" ${index})
  foreach(field id category sentence suggestion)
    string(JSON ${field} GET "${json}" ${record} ${field})
    string(REPLACE "\"" "\\\"" ${field} "${${field}}")
  endforeach()
  string(APPEND rows
         "{\"${id}\", \"${category}\", \"${sentence}\", \"${suggestion}\"},\n")
endforeach()
file(WRITE ${OUTPUT} "${rows}")
