# Writes OUTPUT, a C++ file with a function FUNCTION that returns each of INPUTS (paths separated by |) as a string named
# after the file from ROOT. HEADER declares the function. BINARY=TRUE: the files hold any bytes.
# Usage: cmake -DINPUTS=a.yaml|b.yaml -DROOT=. -DFUNCTION=f -DHEADER=f.hpp -DOUTPUT=out.cpp -DBINARY=FALSE -P embed.cmake

string(REPLACE "|" ";" inputs "${INPUTS}")
set(entries "")
foreach(input IN LISTS inputs)
  file(RELATIVE_PATH name "${ROOT}" "${input}")
  if(BINARY)
    file(READ "${input}" digits HEX)
    string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${digits}")
    string(APPEND entries "    {\"${name}\",\n     \"${bytes}\"sv},\n")
  else()
    file(READ "${input}" text)
    string(APPEND entries "    {\"${name}\",\n     R\"embedded(${text})embedded\"},\n")
  endif()
endforeach()
file(WRITE "${OUTPUT}" "#include \"${HEADER}\"\n\nnamespace assay {\n\nusing namespace std::literals;\n
std::span<const EmbeddedFile> ${FUNCTION}() {
  static constexpr EmbeddedFile kFiles[] = {\n${entries}  };
  return kFiles;
}\n\n}  // namespace assay\n")
