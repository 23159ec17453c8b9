// Numbers that a kernel gets by value: arguments such as alpha, and operands of one host number.
#pragma once
#include <c10/core/Scalar.h>

#include <cstdint>
#include <optional>

namespace wf::torch_backend {

/// A number in every form a kernel may want; the kernel's text picks one by its type.
struct Slot {
  double real = 0, imaginary = 0;
  int64_t whole = 0;
};

inline Slot slot(const c10::Scalar &value) {
  if (value.isComplex()) {
    const auto number = value.toComplexDouble();
    return {number.real(), number.imag(), static_cast<int64_t>(number.real())};
  }
  if (value.isFloatingPoint()) {
    const double number = value.toDouble();
    const bool fits = number > -9.2e18 && number < 9.2e18;
    return {number, 0, fits ? static_cast<int64_t>(number) : 0};
  }
  if (value.type() == c10::ScalarType::UInt64) {
    const uint64_t number = value.toUInt64();
    return {static_cast<double>(number), 0, static_cast<int64_t>(number)};
  }
  const int64_t number = value.isBoolean() ? value.toBool() : value.toLong();
  return {static_cast<double>(number), 0, number};
}

inline Slot slot(double value) { return slot(c10::Scalar(value)); }
inline Slot slot(int64_t value) { return {static_cast<double>(value), 0, value}; }
inline Slot slot(int value) { return slot(static_cast<int64_t>(value)); }
inline Slot slot(bool value) { return slot(static_cast<int64_t>(value)); }
/// `whole` says whether there is a value.
inline Slot slot(const std::optional<double> &value) { return {value.value_or(0), 0, !!value}; }

}  // namespace wf::torch_backend
