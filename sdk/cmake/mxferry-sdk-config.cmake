# SPDX-License-Identifier: Apache-2.0
include(${CMAKE_CURRENT_LIST_DIR}/mxferry-sdk-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/mxferry-plugin.cmake)
