// SPDX-License-Identifier: Apache-2.0
// The one translation unit that compiles Asio (BOOST_ASIO_SEPARATE_COMPILATION); everyone else
// links it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#pragma GCC diagnostic pop
