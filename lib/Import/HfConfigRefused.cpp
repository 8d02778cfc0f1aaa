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

void portolan::refuseDeepSeekV4(HfConfigReader &reader, DecoderSpec &spec) {
  // Either alone would be a reason; the first in the order of a layer counts.
  reader.fail("hc_mult",
              "1 (hyper-connections mix several residual streams around each "
              "block, for which there is no op)");
}
