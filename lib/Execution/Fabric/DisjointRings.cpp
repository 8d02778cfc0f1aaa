//===- DisjointRings.cpp - rings that share no link -----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A torus of two even axes has two rings over disjoint links. They are found by
// depth-first search with a bound on the steps: axes are short (four chips).
//
//===----------------------------------------------------------------------===//

#include "lib/Execution/Fabric/DisjointRings.h"
#include "llvm/ADT/STLExtras.h"
#include <set>
#include <utility>

using namespace portolan;

namespace {

using Ring = llvm::SmallVector<int32_t, 16>;

class RingSearch {
public:
  RingSearch(int64_t width, int64_t height) : width(width), height(height) {}

  /// `wanted` rings over links that no other one uses, or fewer.
  std::vector<Ring> find(unsigned wanted) {
    this->wanted = wanted;
    startRing();
    return std::move(best);
  }

private:
  static constexpr unsigned kMaxSteps = 1000000;

  std::pair<int32_t, int32_t> link(int32_t a, int32_t b) const {
    return {std::min(a, b), std::max(a, b)};
  }

  bool startRing() {
    if (rings.size() > best.size())
      best = rings;
    if (rings.size() == wanted)
      return true;
    Ring outer = std::exchange(path, Ring{0});
    bool found = extend();
    path = std::move(outer);
    return found;
  }

  bool extend() {
    if (++steps > kMaxSteps)
      return true;
    int32_t at = path.back();
    bool closes = int64_t(path.size()) == width * height;
    int64_t x = at % width, y = at / width;
    for (int32_t next : {int32_t((x + 1) % width + y * width),
                         int32_t(x + (y + 1) % height * width),
                         int32_t((x + width - 1) % width + y * width),
                         int32_t(x + (y + height - 1) % height * width)}) {
      if (next == at || used.count(link(at, next)))
        continue;
      if (closes ? next != 0 : llvm::is_contained(path, next))
        continue;
      used.insert(link(at, next));
      bool done;
      if (closes) {
        rings.push_back(path);
        done = startRing();
        if (!done)
          rings.pop_back();
      } else {
        path.push_back(next);
        done = extend();
        path.pop_back();
      }
      used.erase(link(at, next));
      if (done)
        return true;
    }
    return false;
  }

  int64_t width, height;
  unsigned wanted = 1, steps = 0;
  Ring path;
  std::vector<Ring> rings, best;
  std::set<std::pair<int32_t, int32_t>> used;
};

} // namespace

std::vector<Ring> portolan::disjointRings(llvm::ArrayRef<int64_t> sizes,
                                          bool isSwitch) {
  llvm::SmallVector<int64_t, 3> longer;
  int64_t chips = 1;
  for (int64_t size : sizes) {
    chips *= size;
    if (size > 1)
      longer.push_back(size);
  }
  Ring plain;
  for (int64_t chip = 0; chip < chips; ++chip)
    plain.push_back(int32_t(chip));
  if (isSwitch || chips <= 2)
    return {plain};
  std::vector<Ring> rings;
  if (longer.size() == 1) {
    rings.push_back(plain);
  } else if (longer.size() == 2) {
    int64_t links = 0;
    for (int64_t size : longer)
      links += size > 2 ? 2 : 1;
    rings = RingSearch(longer[0], longer[1])
                .find(unsigned(std::max<int64_t>(links / 2, 1)));
  }
  // Links carry both directions.
  for (size_t index = 0, count = rings.size(); index < count; ++index)
    rings.push_back(Ring(llvm::reverse(rings[index])));
  return rings;
}
