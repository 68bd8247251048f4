# SPDX-License-Identifier: Apache-2.0
# mxferry_add_plugin(NAME SOURCES file... [LINKS target...] [OUTPUT folder])
# Builds one plugin folder: NAME is the id in its plugin.json, which stands beside the CMakeLists.txt. Without SOURCES the
# plugin is data only. The result is OUTPUT/NAME/{plugin.json,NAME.so}; OUTPUT defaults to the build's lib/mxferry/plugins.
set(MXF_PLUGIN_MAP ${CMAKE_CURRENT_LIST_DIR}/plugin.map)
function(mxferry_add_plugin name)
  cmake_parse_arguments(P "" "OUTPUT" "SOURCES;LINKS" ${ARGN})
  if(NOT P_OUTPUT)
    set(P_OUTPUT ${PROJECT_BINARY_DIR}/lib/mxferry/plugins)
  endif()
  configure_file(${CMAKE_CURRENT_SOURCE_DIR}/plugin.json ${P_OUTPUT}/${name}/plugin.json COPYONLY)
  if(P_SOURCES)
    set(target plugin_${name})
    add_library(${target} MODULE ${P_SOURCES})
    target_compile_features(${target} PRIVATE cxx_std_20)
    target_link_libraries(${target} PRIVATE mxferry::sdk ${P_LINKS})
    # -fvisibility alone still exports template and inline symbols; -fno-gnu-unique keeps the library self-contained.
    target_compile_options(${target} PRIVATE -fvisibility=hidden -fvisibility-inlines-hidden
                           $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
    target_link_options(${target} PRIVATE -Wl,--version-script=${MXF_PLUGIN_MAP})
    set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME ${name} LINK_DEPENDS ${MXF_PLUGIN_MAP}
                          LIBRARY_OUTPUT_DIRECTORY ${P_OUTPUT}/${name})
    set_property(GLOBAL APPEND PROPERTY MXF_PLUGIN_TARGETS ${target})
  endif()
endfunction()
