# One warning set, one include root and one way to declare a test, for every target of ours.

file(RELATIVE_PATH relative_source_dir "${CMAKE_BINARY_DIR}" "${CMAKE_SOURCE_DIR}")
string(REGEX REPLACE "/$" "" relative_source_dir "${relative_source_dir}")
add_library(assay_options INTERFACE)
target_include_directories(assay_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(assay_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wundef -Wcast-align -Wformat=2
  -Wnull-dereference -Wdouble-promotion -Wimplicit-fallthrough
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor;-Woverloaded-virtual;-Wextra-semi>
  # Where several sources are compiled at once, what one of them declares outside of functions is nothing to the others.
  $<IF:$<BOOL:${ASSAY_UNITY}>,$<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>,-Wshadow>
  # g++ 12 sees overlaps within std::string that are not there (GCC bug 105651), more so with precompiled headers.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  # Structures of the ABI have padding, and all of their bytes go into guest memory and digests: what nobody set is zero
  # in every build. clang leaves out temporaries: name what is written to a guest.
  -ftrivial-auto-var-init=zero
  # Paths in assertions, digests and reports must not depend on where the tree was cloned, nor on a compiler cache that
  # was told to make them relative.
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  -ffile-prefix-map=${relative_source_dir}/=)
if(ASSAY_WERROR)
  target_compile_options(assay_options INTERFACE -Werror)
endif()
# What fuzzers do with a library, its property ASSAY_FUZZ_ROLE: `subject`, seen into by counters alone, for inputs that are
# typed; `around`, what plays them, plain, as everything else would only be slower; `beside`, what has no part in it; otherwise
# all there is.
set(is_around $<AND:$<BOOL:${ASSAY_FUZZ}>,$<STREQUAL:$<TARGET_PROPERTY:ASSAY_FUZZ_ROLE>,around>>)
set(is_subject $<STREQUAL:$<TARGET_PROPERTY:ASSAY_FUZZ_ROLE>,subject>)
set(is_beside $<STREQUAL:$<TARGET_PROPERTY:ASSAY_FUZZ_ROLE>,beside>)
set(is_seen_into $<NOT:$<OR:${is_around},${is_subject},${is_beside}>>)
if(ASSAY_SANITIZE)
  target_compile_options(assay_options INTERFACE
    $<$<NOT:${is_around}>:-fsanitize=address,undefined;-fno-sanitize-recover=all;-fno-omit-frame-pointer>)
  target_link_options(assay_options INTERFACE -fsanitize=address,undefined)
endif()
if(ASSAY_FUZZ STREQUAL "libfuzzer")
  target_compile_options(assay_options INTERFACE $<${is_seen_into}:-fsanitize=fuzzer-no-link>
    $<${is_subject}:-O2;-fsanitize-coverage=inline-8bit-counters,pc-table> $<${is_around}:-O2>)
elseif(ASSAY_FUZZ STREQUAL "afl")
  # What AFL++ calls its native instrumentation: any clang can do it, afl-clang-fast is bound to one version.
  target_compile_options(assay_options INTERFACE $<$<NOT:${is_around}>:-fsanitize-coverage=trace-pc-guard>)
endif()

# assay_compile_quickly(TARGET): what is compiled for long and runs for moments is not optimised where sanitizers are on, and no
# fuzzer looks into it.
function(assay_compile_quickly target)
  if(ASSAY_SANITIZE)
    set_target_properties(${target} PROPERTIES ASSAY_FUZZ_ROLE beside)
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

option(ASSAY_PRECOMPILE "Precompile headers: builds in half the time; OFF notices a missing include" ON)
# What lets a compiler cache keep what was compiled with them.
add_compile_options("$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>" "$<$<COMPILE_LANG_AND_ID:CXX,Clang>:SHELL:-Xclang -fno-pch-timestamp>")

# assay_precompile(TARGET headers...): what most sources of the target include.
function(assay_precompile target)
  if(ASSAY_PRECOMPILE)
    list(TRANSFORM ARGN PREPEND "${CMAKE_SOURCE_DIR}/" REGEX "^[^<]" OUTPUT_VARIABLE headers)
    target_precompile_headers(${target} PRIVATE ${headers})
  endif()
endfunction()

# assay_precompile_shared(DIRECTORY): C++ targets of DIRECTORY and below that name no headers of their own get those of the standard
# library, of fmt and of GoogleTest where they link them: precompiled once for all targets that are compiled alike.
function(assay_precompile_shared directory)
  get_property(directories DIRECTORY "${directory}" PROPERTY SUBDIRECTORIES)
  foreach(below IN LISTS directories)
    assay_precompile_shared("${below}")
  endforeach()
  get_property(targets DIRECTORY "${directory}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    get_target_property(own ${target} PRECOMPILE_HEADERS)
    get_target_property(options ${target} COMPILE_OPTIONS)
    get_target_property(sources ${target} SOURCES)
    list(FILTER sources INCLUDE REGEX "\\.cpp$")
    if(sources AND NOT own AND NOT options MATCHES "-ffreestanding" AND type MATCHES "EXECUTABLE|LIBRARY" AND NOT type STREQUAL "INTERFACE_LIBRARY")
      assay_shared_headers(${target} holder)
      target_precompile_headers(${target} REUSE_FROM ${holder})
    endif()
  endforeach()
endfunction()

# assay_shared_headers(TARGET OUT): the target that holds the headers for TARGET, made when TARGET is the first of its kind.
function(assay_shared_headers target out)
  foreach(property COMPILE_OPTIONS ASSAY_FUZZ_ROLE CXX_VISIBILITY_PRESET LINK_LIBRARIES TYPE)
    get_target_property(value ${target} ${property})
    if(NOT value)
      set(value "")
    endif()
    set(${property} "${value}")
  endforeach()
  set(headers <algorithm> <array> <chrono> <cstdint> <cstring> <filesystem> <functional> <map> <memory> <optional> <set> <span>
              <string> <string_view> <utility> <variant> <vector>)
  set(linked assay_options)
  if("fmt::fmt" IN_LIST LINK_LIBRARIES)
    list(APPEND headers <fmt/format.h>)
    list(APPEND linked fmt::fmt)
  endif()
  if("GTest::gmock" IN_LIST LINK_LIBRARIES)
    list(APPEND headers <gmock/gmock.h> <gtest/gtest.h>)
    list(APPEND linked GTest::gtest GTest::gmock)
  endif()
  string(REPLACE "_LIBRARY" "" form "${TYPE}")
  string(MD5 kind "${COMPILE_OPTIONS} ${ASSAY_FUZZ_ROLE} ${CXX_VISIBILITY_PRESET} ${linked} ${form}")
  string(SUBSTRING ${kind} 0 8 kind)
  set(holder assay_headers_${kind})
  set(${out} ${holder} PARENT_SCOPE)
  if(TARGET ${holder})
    return()
  endif()
  set(source "${CMAKE_BINARY_DIR}/generated/nothing.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "int main() { return 0; }\n")
  if(form STREQUAL "EXECUTABLE")
    add_executable(${holder} EXCLUDE_FROM_ALL "${source}")
  else()
    add_library(${holder} OBJECT EXCLUDE_FROM_ALL "${source}")
  endif()
  target_link_libraries(${holder} PRIVATE ${linked})
  target_compile_options(${holder} PRIVATE ${COMPILE_OPTIONS})
  set_target_properties(${holder} PROPERTIES ASSAY_FUZZ_ROLE "${ASSAY_FUZZ_ROLE}")
  target_precompile_headers(${holder} PRIVATE ${headers})
endfunction()

# assay_build_for_tests(TARGET unit|system): the target is built where tests of that kind are.
function(assay_build_for_tests target kind)
  if(NOT kind IN_LIST ASSAY_TESTS)
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
endfunction()

# assay_test(NAME SOURCES... [LIBS libs...] [LABEL unit|xen]): a GoogleTest binary whose tests appear in CTest one by one.
# `unit` (default) tests need nothing but themselves; `xen` tests boot the real Xen, run alone, and belong to the system tests.
function(assay_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  set(kind unit)
  if(ARG_LABEL STREQUAL "xen")
    set(kind system)
  endif()
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  assay_build_for_tests(${name} ${kind})
  target_link_libraries(${name} PRIVATE assay_options ${ARG_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  assay_compile_quickly(${name})
  if(NOT kind IN_LIST ASSAY_TESTS)
    return()
  endif()
  if(kind STREQUAL "system")
    # One process for all of its tests: they share a hypervisor that boots once.
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} RUN_SERIAL TRUE TIMEOUT 600)
    return()
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 300)
endfunction()

# assay_system_test(NAME COMMAND arguments... [PROPERTIES properties...]): a test of the programs as they are used.
function(assay_system_test name)
  cmake_parse_arguments(ARG "" "" "COMMAND;PROPERTIES" ${ARGN})
  if("system" IN_LIST ASSAY_TESTS)
    add_test(NAME ${name} COMMAND ${ARG_COMMAND})
    if(ARG_PROPERTIES)
      set_tests_properties(${name} PROPERTIES ${ARG_PROPERTIES})
    endif()
  endif()
endfunction()

# assay_embed(OUTPUT FUNCTION HEADER [BINARY] files...): OUTPUT becomes a C++ source with a function that returns the
# files; BINARY: they hold more than text.
function(assay_embed output function header)
  cmake_parse_arguments(ARG "BINARY" "" "" ${ARGN})
  set(files ${ARG_UNPARSED_ARGUMENTS})
  list(JOIN files "|" inputs)
  set(script "${CMAKE_SOURCE_DIR}/tools/cmake/embed.cmake")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DINPUTS=${inputs}" "-DROOT=${CMAKE_SOURCE_DIR}" "-DFUNCTION=${function}"
            "-DHEADER=${header}" "-DOUTPUT=${output}" "-DBINARY=${ARG_BINARY}" -P "${script}"
    DEPENDS ${files} "${script}" VERBATIM)
endfunction()
