//===- KernelMutationTest.cpp - broken kernel programs are caught ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program that is broken in one place must not compute what the experts do:
// what runs is the program and not the op that it covers.
//
//===----------------------------------------------------------------------===//

#include "ExpertsCase.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::test;
using namespace portolan::switched;

namespace {

using Mutation = bool (*)(ModuleOp module);

enum class Program { registers, pair, scaled, converting };

struct Case {
  const char *name;
  Program program;
  Mutation mutate;
};

void PrintTo(const Case &c, std::ostream *os) { *os << c.name; }

template <typename Op> Op first(ModuleOp module) {
  Op found;
  module.walk([&](Op op) {
    if (!found)
      found = op;
  });
  return found;
}

/// The first load of a tensor of this rank: rows have 2, weights 3.
TmaLoadOp firstLoad(ModuleOp module, int64_t rank) {
  TmaLoadOp found;
  module.walk([&](TmaLoadOp op) {
    if (!found && cast<MemRefType>(op.getSource().getType()).getRank() == rank)
      found = op;
  });
  return found;
}

bool setOffset(TmaLoadOp load, unsigned index, int64_t value) {
  OpBuilder builder(load);
  load.getOffsetsMutable()[index].set(
      arith::ConstantIndexOp::create(builder, load.getLoc(), value));
  return true;
}

/// Adds 1 to an index operand.
bool advance(OpOperand &operand) {
  OpBuilder builder(operand.getOwner());
  Location loc = operand.getOwner()->getLoc();
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  operand.set(arith::AddIOp::create(builder, loc, operand.get(), one));
  return true;
}

bool erase(Operation *op) {
  op->erase();
  return true;
}

const Case kCases[] = {
    {"RowsOfTheNext", Program::registers,
     [](ModuleOp m) {
       return advance(firstLoad(m, 2).getOffsetsMutable()[0]);
     }},
    {"WeightsOfTheFirstExpert", Program::registers,
     [](ModuleOp m) { return setOffset(firstLoad(m, 3), 0, 0); }},
    {"OneStepAgainAndAgain", Program::registers,
     [](ModuleOp m) { return setOffset(firstLoad(m, 3), 1, 0); }},
    {"ColumnsOfTheFirstTile", Program::registers,
     [](ModuleOp m) { return setOffset(firstLoad(m, 3), 2, 0); }},
    {"StageOfAnotherStep", Program::registers,
     [](ModuleOp m) {
       auto mma = first<WgmmaOp>(m);
       OpBuilder builder(mma);
       mma.getStageMutable().set(
           arith::ConstantIndexOp::create(builder, mma.getLoc(), 0));
       return true;
     }},
    {"NotTransposed", Program::registers,
     [](ModuleOp m) {
       firstLoad(m, 3)->removeAttr("transposed");
       return true;
     }},
    {"EpilogueWithoutGate", Program::registers,
     [](ModuleOp m) {
       first<EpilogueOp>(m).getGateMutable().clear();
       return true;
     }},
    {"GateAndUpSwapped", Program::registers,
     [](ModuleOp m) {
       auto op = first<EpilogueOp>(m);
       Value gate = op.getGate(), sums = op.getSums();
       op.getSumsMutable().set(gate);
       op.getGateMutable()[0].set(sums);
       return true;
     }},
    {"EpilogueWithoutLimit", Program::registers,
     [](ModuleOp m) {
       first<EpilogueOp>(m).setLimit(llvm::APFloat(0.0));
       return true;
     }},
    {"StoresRowsOfTheNext", Program::registers,
     [](ModuleOp m) {
       TmaStoreOp last;
       m.walk([&](TmaStoreOp op) { last = op; });
       OpBuilder builder(last);
       last.getRowsMutable().set(
           arith::ConstantIndexOp::create(builder, last.getLoc(), 16));
       return true;
     }},
    {"SecondKernelReadsTheRows", Program::registers,
     [](ModuleOp m) {
       KernelOp last;
       m.walk([&](KernelOp op) { last = op; });
       auto step = last->getParentOfType<KernelStepOp>();
       last.getInputsMutable()[0].set(step.getBody().getArgument(0));
       return true;
     }},
    {"ForgottenConversion", Program::converting,
     [](ModuleOp m) { return erase(first<ConvertOp>(m)); }},
    {"BothBlocksTakeTheSameRows", Program::pair,
     [](ModuleOp m) {
       firstLoad(m, 2)->removeAttr("spread");
       return true;
     }},
    {"ScalesNotCopied", Program::scaled,
     [](ModuleOp m) { return erase(first<Tcgen05CopyScalesOp>(m)); }},
    {"ScalesOfTheOtherWeights", Program::scaled,
     [](ModuleOp m) {
       SmallVector<Tcgen05MmaOp> products;
       m.walk([&](Tcgen05MmaOp op) { products.push_back(op); });
       products[0].getWeightScalesMutable()[0].set(
           products[1].getWeightScales());
       return true;
     }},
};

/// Rows of 2 experts, several steps, stages and column tiles, square weights.
ExpertsCase experts(Program program) {
  ExpertsCase c;
  c.rows = 24;
  c.counts = {7, 9};
  c.width = c.inner = 256;
  c.limit = 0.5;
  c.tile = 16;
  if (program == Program::converting)
    c.weights = "mxfp4";
  if (program == Program::pair || program == Program::scaled)
    c.target = "gb300-nvl72";
  if (program == Program::scaled)
    c.compute = c.weights = c.activations = "mxfp8";
  return c;
}

class KernelMutation : public ::testing::TestWithParam<Case> {};

} // namespace

TEST_P(KernelMutation, ChangesTheOutput) {
  ExpertsCase c = experts(GetParam().program);
  Random random(11);
  std::vector<Tensor> operands = c.operands(random);
  llvm::Expected<Tensor> result =
      runKernels(c.text(), c.target, operands, GetParam().mutate);
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  llvm::Expected<Difference> difference =
      compare(*result, c.expected(operands).tensor(), 0, 1e-3);
  ASSERT_TRUE(bool(difference));
  EXPECT_GT(difference->outOfTolerance, 0);
}

INSTANTIATE_TEST_SUITE_P(Kernels, KernelMutation, ::testing::ValuesIn(kCases),
                         [](const auto &info) { return info.param.name; });

TEST(KernelMutation, UnchangedProgramsAgree) {
  for (Program program : {Program::registers, Program::pair, Program::scaled,
                          Program::converting}) {
    ExpertsCase c = experts(program);
    Random random(11);
    std::vector<Tensor> operands = c.operands(random);
    llvm::Expected<Tensor> result = runKernels(c.text(), c.target, operands);
    ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
    expectNear(*result, c.expected(operands), 2e-5);
  }
}

// A forgotten step is found before anything runs: its operations are missing.
TEST(KernelMutation, AForgottenStepIsRefused) {
  ExpertsCase c = experts(Program::registers);
  Random random(11);
  llvm::Expected<Tensor> result =
      runKernels(c.text(), c.target, c.operands(random), [](ModuleOp m) {
        auto pipeline = first<PipelineOp>(m);
        pipeline.setContraction(pipeline.getContraction() -
                                pipeline.getBlock());
        return true;
      });
  ASSERT_FALSE(bool(result));
  // 24 rows x 256 x 256 x 3 products x 2; half of gate and up is left.
  std::string message = llvm::toString(result.takeError());
  EXPECT_NE(
      message.find("expects kernels of the 9.437184e+06 operations of the "
                   "covered op, got 6.291456e+06"),
      std::string::npos)
      << message;
}
