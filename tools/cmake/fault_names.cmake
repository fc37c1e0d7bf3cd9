# Writes OUTPUT, the names of the faults in CATALOGUE as strings, one a line.
# Usage: cmake -DCATALOGUE=faults.yaml -DOUTPUT=names.inc -P fault_names.cmake

file(STRINGS "${CATALOGUE}" lines REGEX "^- name: ")
set(names "")
foreach(line IN LISTS lines)
  string(REGEX REPLACE "^- name: " "" name "${line}")
  string(APPEND names "\"${name}\",\n")
endforeach()
file(WRITE "${OUTPUT}" "${names}")
