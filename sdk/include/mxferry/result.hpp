// SPDX-License-Identifier: Apache-2.0
// BasicResult<T, E>: a value or the reason why there is none. Spelled like std::expected (C++23),
// so that an alias can replace it one day; [[nodiscard]] as a class, which
// boost::system::result 1.81 is not. Not thread-safe: a plain value.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

namespace mxferry {

/// Wraps an error on its way into a BasicResult: `return Unexpected(error);`.
template <class E>
class Unexpected {
 public:
  explicit Unexpected(E error) : error_(std::move(error)) {}
  const E& error() const& { return error_; }
  E&& error() && { return std::move(error_); }

 private:
  E error_;
};

template <class T, class E>
class [[nodiscard]] BasicResult {
  static_assert(!std::is_reference_v<T>, "return a pointer or std::reference_wrapper");
  static_assert(!std::is_same_v<T, E>, "a value and its error must differ in type");

 public:
  using value_type = T;
  using error_type = E;

  template <class U = T>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, BasicResult>)
      BasicResult(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT: implicit on purpose
  template <class F>
  requires std::is_convertible_v<F&&, E> BasicResult(
      Unexpected<F> why)  // NOLINT: implicit on purpose
      : state_(std::in_place_index<1>, std::move(why).error()) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  // Access to the wrong side is a broken invariant and throws std::bad_variant_access.
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  E& error() & { return std::get<1>(state_); }
  const E& error() const& { return std::get<1>(state_); }
  E&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, E> state_;
};

template <class E>
class [[nodiscard]] BasicResult<void, E> {
 public:
  using value_type = void;
  using error_type = E;

  BasicResult() = default;
  template <class F>
  requires std::is_convertible_v<F&&, E> BasicResult(
      Unexpected<F> why)  // NOLINT: implicit on purpose
      : state_(std::in_place_index<1>, std::move(why).error()) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  E& error() & { return std::get<1>(state_); }
  const E& error() const& { return std::get<1>(state_); }
  E&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<std::monostate, E> state_;
};

}  // namespace mxferry

// MXF_TRY(x, expr): x = the value of expr, or return its error. MXF_CHECK(expr): the same for
// BasicResult<void, E>. MXF_CO_TRY and MXF_CO_CHECK are for coroutines. The name x must be new in
// its scope.
#define MXF_TRY_WITH_(ret, name, ...)                                                \
  auto name##_result_ = (__VA_ARGS__);                                               \
  if (!name##_result_) ret ::mxferry::Unexpected(std::move(name##_result_).error()); \
  auto name = std::move(name##_result_).value()
#define MXF_TRY(name, ...) MXF_TRY_WITH_(return, name, __VA_ARGS__)
#define MXF_CO_TRY(name, ...) MXF_TRY_WITH_(co_return, name, __VA_ARGS__)
#define MXF_CHECK_WITH_(ret, ...)                                                    \
  do {                                                                               \
    auto check_result_ = (__VA_ARGS__);                                              \
    if (!check_result_) ret ::mxferry::Unexpected(std::move(check_result_).error()); \
  } while (false)
#define MXF_CHECK(...) MXF_CHECK_WITH_(return, __VA_ARGS__)
#define MXF_CO_CHECK(...) MXF_CHECK_WITH_(co_return, __VA_ARGS__)
