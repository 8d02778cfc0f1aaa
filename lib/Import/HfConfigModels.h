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

#include "lib/Import/HfConfigFields.h"

namespace portolan {

/// `spec.context` and `spec.name` are set. Reports bad fields through `reader`.
void readArctic(HfConfigReader &reader, DecoderSpec &spec);
void readDbrx(HfConfigReader &reader, DecoderSpec &spec);
void readDeepSeek(HfConfigReader &reader, DecoderSpec &spec);
void readDeepSeekV2(HfConfigReader &reader, DecoderSpec &spec);
void readDeepSeekV32(HfConfigReader &reader, DecoderSpec &spec);
void readDeepSeekV4(HfConfigReader &reader, DecoderSpec &spec);
void readGemma4(HfConfigReader &reader, DecoderSpec &spec);
void readGlm4(HfConfigReader &reader, DecoderSpec &spec);
void readGptOss(HfConfigReader &reader, DecoderSpec &spec);
void readGrok(HfConfigReader &reader, DecoderSpec &spec);
void readHunYuan(HfConfigReader &reader, DecoderSpec &spec);
void readJamba(HfConfigReader &reader, DecoderSpec &spec);
void readKimiK3(HfConfigReader &reader, DecoderSpec &spec);
void readLlama4(HfConfigReader &reader, DecoderSpec &spec);
void readMiMoV2(HfConfigReader &reader, DecoderSpec &spec);
void readMiniMaxM1(HfConfigReader &reader, DecoderSpec &spec);
void readMiniMaxM2(HfConfigReader &reader, DecoderSpec &spec);
void readMiniMaxM3(HfConfigReader &reader, DecoderSpec &spec);
void readMixtral(HfConfigReader &reader, DecoderSpec &spec);
void readNemotronH(HfConfigReader &reader, DecoderSpec &spec);
void readOlmoe(HfConfigReader &reader, DecoderSpec &spec);
void readPhiMoe(HfConfigReader &reader, DecoderSpec &spec);
void readQwen3(HfConfigReader &reader, DecoderSpec &spec);
void readQwen3Next(HfConfigReader &reader, DecoderSpec &spec);
void readQwen35(HfConfigReader &reader, DecoderSpec &spec);
void readStep37(HfConfigReader &reader, DecoderSpec &spec);

} // namespace portolan

#endif // PORTOLAN_LIB_IMPORT_HFCONFIGMODELS_H
