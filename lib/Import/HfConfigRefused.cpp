//===- HfConfigRefused.cpp - families that cannot be said exactly -------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Model types that are known, and have a block for which the moe dialect has no
// op: the error names its field and what it stands for, in place of an unknown
// model type.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

void portolan::refuseStep37(HfConfigReader &reader, DecoderSpec &spec) {
  // Published files of the family are cut down to sizes: what rotates how far,
  // and which heads and gates windowed layers have, is not in them.
  reader.positive("rope_theta");
  reader.fail("model_type",
              "another family (heads, gates and rotations of the layers with a "
              "window are their own, and no file that states them is known)");
}
