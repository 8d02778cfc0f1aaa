//===- HfConfigModels.h - model types that can be imported -----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One reader per architecture: fields of the configuration to a DecoderSpec.
// A reader refuses what the architecture's graph could not say exactly.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_IMPORT_HFCONFIGMODELS_H
#define PORTOLAN_LIB_IMPORT_HFCONFIGMODELS_H

#include "lib/Import/HfConfigBuilder.h"
#include "lib/Import/HfConfigReader.h"

namespace portolan {

/// `spec.formats` and the fields that all architectures share are set. Reports
/// bad fields through `reader`.
void readMixtral(HfConfigReader &reader, DecoderSpec &spec);
void readDeepSeek(HfConfigReader &reader, DecoderSpec &spec);

/// The activation named by `hidden_act`.
moe::Activation readActivation(HfConfigReader &reader);

} // namespace portolan

#endif // PORTOLAN_LIB_IMPORT_HFCONFIGMODELS_H
