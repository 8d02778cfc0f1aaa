//===- TrafficReport.h - what moved, and what was stated -------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A step is priced by the bytes that its op states and by what its algorithm
// loads the busiest link with. Both are compared with the messages of a run:
// the price is then of the program that ran.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_TRAFFICREPORT_H
#define PORTOLAN_EXECUTION_TRAFFICREPORT_H

#include "portolan/Execution/DeviceProgram.h"

namespace portolan {

/// Links are of two classes: 0 within a scale-up domain or along the fast axes
/// of a torus, 1 across domains or along slow axes.
inline constexpr unsigned kLinkClasses = 2;

/// All transfers of one system op and algorithm, over all ranks and calls.
struct TransferTraffic {
  std::string op;
  Algorithm algorithm = Algorithm::none;
  int64_t calls = 0;    ///< of ranks
  int64_t messages = 0; ///< between two ranks, of one phase
  /// Bytes that ranks handed to the op. Stated: by the op's Work; of a ragged
  /// exchange, the Work of a row times the rows that there were.
  double payloadBytes = 0, statedPayloadBytes = 0;
  /// Bytes that messages carried, by class.
  std::array<double, kLinkClasses> sentBytes = {0, 0};
  /// Bytes over the busiest link, phase by phase, summed over the collectives
  /// of a stage's program. Stated: by the step, for the largest payload that a
  /// rank had; 0 where a step states none for the class.
  std::array<double, kLinkClasses> busiestBytes = {0, 0};
  std::array<double, kLinkClasses> statedBusiestBytes = {0, 0};

  /// Whether ranks handed over what the op states, within 1e-9.
  bool movesWhatItStates() const;
};

/// The traffic of passes that were run on a target, in the order of the
/// program; an error if ranks of a stage took part in different collectives.
llvm::Expected<std::vector<TransferTraffic>>
trafficOf(llvm::ArrayRef<PassResult> passes, const Wiring &wiring);

} // namespace portolan

#endif // PORTOLAN_EXECUTION_TRAFFICREPORT_H
