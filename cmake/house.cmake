# SPDX-License-Identifier: Apache-2.0
# What every target of the house shares: warnings, hardening, sanitizers, fast tools; and mxf_floor(), which declares a floor.

find_program(MXF_CCACHE ccache)
if(MXF_CCACHE)
  # Paths in the cache are relative to the source, so that a clone in another folder hits too.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${MXF_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()
find_program(MXF_MOLD mold)

add_library(mxf_house INTERFACE)
target_compile_options(mxf_house INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow $<$<COMPILE_LANGUAGE:CXX>:-Wconversion>
  -fstack-protector-strong -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=
  # g++ 12 at -O2: a false mismatch on the frames of Asio coroutines, and false overlaps and uninitialised reads inside
  # inlined std::string and std::optional (GCC bugs 105329, 105562).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<COMPILE_LANGUAGE:CXX>>:-Wno-mismatched-new-delete;-Wno-restrict;-Wno-maybe-uninitialized>
  $<$<BOOL:${MXFERRY_WERROR}>:-Werror>)
target_compile_definitions(mxf_house INTERFACE _GLIBCXX_ASSERTIONS)
if(MXF_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_link_options(mxf_house INTERFACE -fuse-ld=mold)
endif()
target_link_options(mxf_house INTERFACE -Wl,-z,relro,-z,now)
if(MXFERRY_SANITIZE)
  # Line tables are all that a report shows, and what compiles fast: these builds are made from nothing by every machine.
  target_compile_options(mxf_house INTERFACE -fsanitize=${MXFERRY_SANITIZE} -fno-omit-frame-pointer -g1
    -O$<IF:$<BOOL:$<TARGET_PROPERTY:MXF_IS_TEST>>,0,1>)
  target_link_options(mxf_house INTERFACE -fsanitize=${MXFERRY_SANITIZE})
  target_compile_definitions(mxf_house INTERFACE MXFERRY_SANITIZED)
  if(MXFERRY_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio counts references with fences, which g++'s thread sanitizer does not follow and warns about.
    target_compile_options(mxf_house INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-tsan>)
  endif()
  if(MXFERRY_SANITIZE MATCHES "undefined")
    target_compile_options(mxf_house INTERFACE -fno-sanitize-recover=undefined)
  endif()
endif()
if(MXFERRY_COVERAGE)
  target_compile_options(mxf_house INTERFACE --coverage)
  target_link_options(mxf_house INTERFACE --coverage)
endif()
if(MXFERRY_FUZZ)
  target_compile_options(mxf_house INTERFACE -fsanitize=fuzzer-no-link)
endif()

# mxf_floor(NAME [DIR folder] [FLOORS floor...] [LINKS cmake-target...] [HEADERS prefix...] [EXCLUDE regex])
#   FLOORS  the floors it may include; LINKS third-party targets; HEADERS the third-party include prefixes
#           that its files may name. The line is also written to build/floors.txt, which the include test reads.
define_property(GLOBAL PROPERTY MXF_FLOOR_LINES)
function(mxf_floor name)
  cmake_parse_arguments(F "" "DIR;EXCLUDE" "FLOORS;LINKS;HEADERS" ${ARGN})
  if(NOT F_DIR)
    set(F_DIR ${name})
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/core/${F_DIR}/*.cpp)
  if(F_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX ${F_EXCLUDE})
  endif()
  set(target mxf_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE mxf_house)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(mxferry::${name} ALIAS ${target})
  target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/core)
  foreach(floor ${F_FLOORS})
    target_link_libraries(${target} ${scope} mxferry::${floor})
  endforeach()
  target_link_libraries(${target} ${scope} ${F_LINKS})
  string(REPLACE ";" "," floors "${F_FLOORS}")
  string(REPLACE ";" "," headers "${F_HEADERS}")
  set_property(GLOBAL APPEND PROPERTY MXF_FLOOR_LINES "${name}|${F_DIR}|${floors}|${headers}")
endfunction()
