//===- SpaceRules.h - rules that families share ----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Building blocks of a family's declared space, legality and repair: number
// formats against what a machine reads and computes, divisors, degrees and
// limits of the model. A family says which groups its topology can express;
// everything here asks the machine and never which machine it is.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TARGET_SPACERULES_H
#define PORTOLAN_TARGET_SPACERULES_H

#include "portolan/Target/Family.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/Twine.h"

namespace portolan {

using PlanValues = llvm::SmallVectorImpl<PlanValue>;

/// Whether the topology has a group of ranks of this shape.
using ExpressesGroup = llvm::function_ref<bool(Group)>;

/// The degrees of a plan whose classes are chosen as far as `prefix` goes; the
/// others count as 1. Requires that the chosen ones divide (values() sees to
/// it).
Deployment degreesOf(const PlanPoint &prefix, const Machine &machine);

/// Copies that only prefill under a split of so many percent of `copies`: at
/// least one, and one is left.
int64_t prefillCopiesOf(PlanValue percent, int64_t copies);

/// The ranks that a degree of a plan puts into one group: those of a stage for
/// `pipeline`.
Group groupOf(PlanClass planClass, PlanValue value, const Deployment &degrees);

/// Chips that an `instance` value stands for.
int64_t chipsOf(PlanValue instance, const Topology &topology);

/// The narrowest expert block and the largest bytes of one expert at `format`
/// among the model's layers; 0 without experts.
int64_t expertWidth(const ModelShape &model);
double expertBytes(const ModelShape &model, Format format);

/// "experts" or, in a model without, "linear"; "latent_attention" or
/// "attention": the ops that refusals name.
llvm::StringRef feedForwardOp(const ModelShape &model);
llvm::StringRef attentionOp(const ModelShape &model);

//===----------------------------------------------------------------------===//
// Values, in declared order
//===----------------------------------------------------------------------===//

/// Weight formats: the shipped storage (widened until it is readable), then,
/// policy allowing, the readable narrower ones, widest first.
void addWeightFormats(const PlanContext &context, PlanValues &values);
/// Activation formats: the shipped storage, then the narrower steps of the
/// widening ladder down to the format that the weights are computed in.
void addActivationFormats(const PlanPoint &prefix, const PlanContext &context,
                          PlanValues &values);
/// Cache formats: the shipped storage, then fp8 if that is narrower.
void addCacheFormats(const PlanContext &context, PlanValues &values);

/// Whether tensor parallelism can share the heads: at most one rank per head,
/// and grouped heads in equal parts, so that a rank's queries share its keys.
/// A norm over more than one head is on one rank.
bool splitsHeads(int64_t tp, const ModelShape &model);
/// The op whose heads `tp` ranks cannot share, or null.
const ModelOp *unsplitOp(int64_t tp, const ModelShape &model);

/// Whether some layer has a state that follows from the one before.
bool hasRecurrence(const ModelShape &model);
/// Whether the cache of a sequence can be spread over ranks: a window would be
/// on the last of them alone, and so would be the state of a recurrence.
bool spreadsContext(const ModelShape &model);

/// `all`, `domain` if smaller, then every smaller divisor of the shape that
/// `hosts` accepts, largest first.
void addInstances(const PlanContext &context,
                  llvm::function_ref<bool(int64_t chips)> hosts,
                  PlanValues &values);
/// Whether some pipeline degree and expert_tp place the model on `instance`
/// chips.
bool hostsModel(int64_t instance, const PlanContext &context,
                ExpressesGroup expresses);
void addPipelines(const PlanPoint &prefix, const PlanContext &context,
                  ExpressesGroup expresses, PlanValues &values);
void addAttentionTps(const PlanPoint &prefix, const PlanContext &context,
                     ExpressesGroup expresses, PlanValues &values);
void addAttentionCps(const PlanPoint &prefix, const PlanContext &context,
                     ExpressesGroup expresses, PlanValues &values);
void addExpertTps(const PlanPoint &prefix, const PlanContext &context,
                  ExpressesGroup expresses, PlanValues &values);

/// `distributed` if experts are spread over ranks, else none.
void addPlacementForms(const PlanPoint &prefix, const PlanContext &context,
                       PlanValues &values);
/// Redundant experts per rank: 0 if experts are distributed, then 1, 2 and 4,
/// as far as a rank has room for them beside its share of different experts and
/// each lowers the expected rows of the fullest rank by 1 % of the mean or more
/// against the value before. none if experts are not distributed.
void addReplicas(const PlanPoint &prefix, const PlanContext &context,
                 PlanValues &values);
/// Drafted tokens per step: none and, in decode with an acceptance rate, 1
/// to 3.
void addSpeculations(const PlanContext &context, PlanValues &values);
/// none if rows are equal on all ranks, all_to_all, all_gather if they are not;
/// none alone without an expert block or with one rank.
void addDispatchExchanges(const PlanPoint &prefix, const PlanContext &context,
                          PlanValues &values);
/// The one combine that is the inverse of the dispatch (see README: pairs).
void addCombineExchanges(const PlanPoint &prefix, PlanValues &values);
/// none and, where a stage has more than one rank, two_batch.
void addOverlaps(const PlanPoint &prefix, const Machine &machine,
                 PlanValues &values);
/// pp and 2 pp micro-batches; none without a pipeline.
void addBatchForms(const PlanPoint &prefix, PlanValues &values);
/// With both phases and several model copies: none, then every share of them
/// that only prefills, in percent.
void addPhaseSplits(const PlanPoint &prefix, const PlanContext &context,
                    PlanValues &values);
/// Token tiles of the matmul engine that hold whole row granules of the format
/// that experts are computed in; none without experts.
void addTiles(const PlanPoint &prefix, const PlanContext &context,
              PlanValues &values);

/// none, elementwise and, where kernels are launched one by one, block: each
/// takes no more time than the value before it.
void addFusions(bool launchesKernels, PlanValues &values);

/// The group of the widest all-reduce of a plan; size 1 if there is none. The
/// attention block reduces over tp, an expert block without exchange over its
/// stage.
Group widestReduction(const PlanPoint &prefix, const PlanContext &context);

//===----------------------------------------------------------------------===//
// Refusals
//===----------------------------------------------------------------------===//

Refusal refuse(llvm::StringRef id, const llvm::Twine &reason,
               llvm::StringRef resource, double needed, double available,
               llvm::StringRef unit, llvm::StringRef op);

/// The decision does not exist here.
Refusal refuseUnavailable(PlanClass planClass, PlanValue value,
                          const llvm::Twine &reason, llvm::StringRef op);

/// Why a format that is not among the values of its class is refused.
Refusal refuseFormat(PlanClass planClass, PlanValue value,
                     const PlanPoint &prefix, const PlanContext &context);

/// Why a degree (instance ... expert_tp, batch_form) does not divide what is
/// left or exceeds a limit of the model; nothing if only the topology objects.
std::optional<Refusal> refuseDegree(PlanClass planClass, PlanValue value,
                                    const PlanPoint &prefix,
                                    const PlanContext &context);

/// No expert_tp places the model's experts on the stages that an instance or a
/// pipeline of this size leaves.
Refusal refusePlacement(PlanClass planClass, PlanValue value,
                        const PlanPoint &prefix, const PlanContext &context);

/// Why a number of redundant experts per rank is refused.
Refusal refuseReplicas(PlanValue value, const PlanPoint &prefix,
                       const PlanContext &context);

/// Why a phase split is refused.
Refusal refusePhaseSplit(PlanValue value, const PlanPoint &prefix,
                         const PlanContext &context);

/// Why a tile is refused.
Refusal refuseTile(PlanValue value, const PlanPoint &prefix,
                   const PlanContext &context);

/// Classes that have the one value none until a later family or issue uses
/// them, and the ones that no op of the plan uses.
Refusal refuseUnused(PlanClass planClass, PlanValue value,
                     const PlanPoint &prefix, const PlanContext &context);

//===----------------------------------------------------------------------===//
// Repair
//===----------------------------------------------------------------------===//

/// The value whose number is nearest to `wanted`: least |ln(a / b)|, ties to
/// the smaller. `numberOf` maps a value to its number.
PlanValue nearestValue(double wanted, llvm::ArrayRef<PlanValue> values,
                       llvm::function_ref<double(PlanValue)> numberOf);
/// The same for plain numbers, with none as 1.
PlanValue nearestNumber(PlanValue wanted, llvm::ArrayRef<PlanValue> values);
/// The same for instance values; a foreign `all` or `domain` is taken by its
/// meaning on this shape.
PlanValue nearestInstance(PlanValue wanted, llvm::ArrayRef<PlanValue> values,
                          const Topology &topology);
/// The nearest share of whole copies; none stays none.
PlanValue repairPhaseSplit(PlanValue value, llvm::ArrayRef<PlanValue> values);
/// Same storage if legal, else the next wider; what is wider than everything
/// legal becomes the shipped storage, which holds the same values.
PlanValue repairFormat(PlanValue value, llvm::ArrayRef<PlanValue> values);
/// `wanted` halved until it is legal, at last 0; the first value if that is
/// not.
PlanValue halvedReplicas(PlanValue wanted, llvm::ArrayRef<PlanValue> values);
/// The first of `ladder` that is among `values`, else the first value.
template <typename Word>
PlanValue firstLegal(llvm::ArrayRef<Word> ladder,
                     llvm::ArrayRef<PlanValue> values) {
  for (Word word : ladder)
    for (PlanValue value : values)
      if (value == PlanValue(word))
        return value;
  return values.front();
}

} // namespace portolan

#endif // PORTOLAN_TARGET_SPACERULES_H
