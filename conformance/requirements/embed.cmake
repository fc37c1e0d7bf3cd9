# Writes OUTPUT, a C++ file that holds each of INPUTS (paths separated by |) as a string named after the file.
# Usage: cmake -DINPUTS=a.yaml|b.yaml -DOUTPUT=out.cpp -P embed.cmake

string(REPLACE "|" ";" inputs "${INPUTS}")
set(entries "")
foreach(input IN LISTS inputs)
  get_filename_component(name "${input}" NAME)
  file(READ "${input}" text)
  string(APPEND entries "    {\"conformance/requirements/${name}\",\n     R\"yaml(${text})yaml\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"conformance/runner/embedded.hpp\"\n\nnamespace assay {\n
std::span<const EmbeddedFile> embedded_requirements() {
  static constexpr EmbeddedFile kFiles[] = {\n${entries}  };
  return kFiles;
}\n\n}  // namespace assay\n")
