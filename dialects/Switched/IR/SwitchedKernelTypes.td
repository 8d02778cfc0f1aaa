//===- SwitchedKernelTypes.td - tiles inside a unit --------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where a tile of a kernel program lives. Shapes are in elements of one block
// of threads; `format` is a name of portolan::Format, whose block scales are
// stored with the tile. Rules: dialects/Switched/README.md.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELTYPES_TD
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELTYPES_TD

include "dialects/Switched/IR/SwitchedDialect.td"
include "mlir/IR/AttrTypeBase.td"

class Switched_Type<string name, string typeMnemonic>
    : TypeDef<Switched_Dialect, name> {
  let mnemonic = typeMnemonic;
  let genVerifyDecl = 1;
}

class Switched_TileType<string name, string typeMnemonic>
    : Switched_Type<name, typeMnemonic> {
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        StringRefParameter<"number format">:$format);
  let assemblyFormat = "`<` `[` $shape `]` `,` $format `>`";
}

def Switched_Smem : Switched_TileType<"Smem", "smem"> {
  let summary = "A ring of tiles in shared memory.";
  let description = [{
    `<[stages, rows, contraction], format>`: every stage holds one tile whose
    contraction is contiguous, as the matrix unit reads it.
  }];
  let extraClassDeclaration = [{
    int64_t getStages() const { return getShape()[0]; }
    int64_t getRows() const { return getShape()[1]; }
    int64_t getContraction() const { return getShape()[2]; }
    /// Bytes of one stage, block scales included, rounded up.
    int64_t getStageBytes() const;
  }];
}

def Switched_Tmem : Switched_TileType<"Tmem", "tmem"> {
  let summary = "A tile in tensor memory.";
  let description = [{
    `<[rows, columns], format>`: one row per lane. The format "f32" is that of
    sums, "scale" that of block scales of 8 bits.
  }];
  let extraClassDeclaration = [{
    int64_t getRows() const { return getShape()[0]; }
    int64_t getColumns() const { return getShape()[1]; }
    /// Columns of 32 bits that the tile takes. Block scales of 128 rows and 4
    /// blocks take 4, as each warp reads a copy of its own.
    int64_t getWordColumns() const;
  }];
}

def Switched_Registers : Switched_TileType<"Registers", "registers"> {
  let summary = "A tile in the registers of a warpgroup.";
  let description = [{ `<[rows, columns], format>`, spread over 128 threads. }];
  let extraClassDeclaration = [{
    int64_t getRows() const { return getShape()[0]; }
    int64_t getColumns() const { return getShape()[1]; }
  }];
}

def Switched_Mbarrier : Switched_Type<"Mbarrier", "mbarrier"> {
  let summary = "A ring of barriers in shared memory, one per stage.";
  let parameters = (ins "int64_t":$stages);
  let assemblyFormat = "`<` $stages `>`";
}

def Switched_Counters : Switched_Type<"Counters", "counters"> {
  let summary = "Counters of 32 bits in shared memory.";
  let parameters = (ins "int64_t":$count);
  let assemblyFormat = "`<` $count `>`";
}

def Switched_Signals : Switched_Type<"Signals", "signals"> {
  let summary = "A counter per member of a group, in memory that peers write.";
  let parameters = (ins "int64_t":$members);
  let assemblyFormat = "`<` $members `>`";
}

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELTYPES_TD
