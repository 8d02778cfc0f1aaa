//===- Axes.cpp - what the dimensions of a tensor run over ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Axes.h"
#include "llvm/ADT/STLExtras.h"

using namespace portolan;
using namespace portolan::graph_to_moe;

Dim graph_to_moe::over(AxisKind kind, Size size, unsigned index) {
  if (size == Size(1))
    return {};
  return {Axis{kind, index, std::move(size)}};
}

const Axis *graph_to_moe::only(const Dim &dim, AxisKind kind) {
  return dim.size() == 1 && dim[0].kind == kind ? &dim[0] : nullptr;
}

int64_t graph_to_moe::positionOf(const Dims &dims, AxisKind kind) {
  int64_t found = -1;
  for (auto [i, dim] : llvm::enumerate(dims))
    if (const Axis *axis = only(dim, kind); axis && axis->index == 0) {
      if (found != -1)
        return -1;
      found = i;
    }
  return found;
}

std::optional<Size> graph_to_moe::sizeOf(const Dim &dim) {
  return productOf(
      llvm::map_to_vector<4>(dim, [](const Axis &axis) { return axis.size; }));
}

std::optional<Dim> graph_to_moe::unify(const Dim &lhs, const Dim &rhs) {
  if (lhs.empty())
    return rhs;
  if (rhs.empty())
    return lhs;
  if (lhs.size() != rhs.size())
    return std::nullopt;
  Dim result;
  for (auto [a, b] : llvm::zip_equal(lhs, rhs)) {
    bool isCopy = a.size == b.size &&
                  (a.kind == AxisKind::Repeat || b.kind == AxisKind::Repeat);
    if (!(a == b) && !isCopy)
      return std::nullopt;
    result.push_back(a.kind == AxisKind::Repeat ? b : a);
  }
  return result;
}

std::optional<Dims> graph_to_moe::broadcast(const Dims &lhs, const Dims &rhs) {
  Dims result(std::max(lhs.size(), rhs.size()));
  for (unsigned i = 0; i < result.size(); ++i) {
    Dim a = i < lhs.size() ? lhs[lhs.size() - 1 - i] : Dim();
    Dim b = i < rhs.size() ? rhs[rhs.size() - 1 - i] : Dim();
    std::optional<Dim> dim = unify(a, b);
    if (!dim)
      return std::nullopt;
    result[result.size() - 1 - i] = *dim;
  }
  return result;
}

/// Puts the two halves of a split axis together again where they meet; copies
/// for each expert of a group stand for the inner half.
static void join(Dim &dim) {
  for (unsigned i = 0; i + 1 < dim.size(); ++i) {
    const Axis &outer = dim[i], &inner = dim[i + 1];
    bool isSplit = outer.index == 1 && (outer.kind == AxisKind::Expert ||
                                        outer.kind == AxisKind::Column);
    bool meets =
        (inner.kind == AxisKind::Repeat && outer.kind == AxisKind::Expert) ||
        (inner.kind == outer.kind && inner.index == 2);
    std::optional<Size> size = outer.size.times(inner.size);
    if (!isSplit || !meets || !size)
      continue;
    dim[i] = {outer.kind, 0, *size};
    dim.erase(dim.begin() + i + 1);
  }
}

std::optional<Dims> graph_to_moe::reshape(const Dims &dims,
                                          llvm::ArrayRef<Size> shape) {
  llvm::SmallVector<Axis, 6> axes;
  for (const Dim &dim : dims)
    llvm::append_range(axes, dim);
  Dims result;
  unsigned next = 0;
  for (const Size &size : shape) {
    Dim &dim = result.emplace_back();
    Size taken(1);
    while (taken != size) {
      if (next == axes.size())
        return std::nullopt;
      Axis &axis = axes[next];
      std::optional<Size> more = taken.times(axis.size);
      if (!more)
        return std::nullopt;
      auto whole = axis.size.constant(), part = size.constant();
      bool splits =
          (axis.kind == AxisKind::Expert || axis.kind == AxisKind::Column) &&
          axis.index == 0 && dim.empty() && whole && part && *part > 1 &&
          *part < *whole && *whole % *part == 0;
      if (splits) {
        dim.push_back({axis.kind, 1, size});
        axis = {axis.kind, 2, Size(*whole / *part)};
        break;
      }
      dim.push_back(axis);
      taken = *more;
      ++next;
    }
    join(dim);
  }
  if (next != axes.size())
    return std::nullopt;
  return result;
}

std::optional<Dims> graph_to_moe::expand(const Dims &dims,
                                         llvm::ArrayRef<Size> shape) {
  if (shape.size() < dims.size())
    return std::nullopt;
  Dims result(shape.size() - dims.size());
  llvm::append_range(result, dims);
  for (auto [dim, size] : llvm::zip_equal(result, shape))
    if (dim.empty())
      dim = over(AxisKind::Repeat, size);
    else if (sizeOf(dim) != size)
      return std::nullopt;
  return result;
}
