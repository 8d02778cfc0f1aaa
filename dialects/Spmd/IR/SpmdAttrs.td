//===- SpmdAttrs.td - attributes of the spmd dialect -------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SPMD_IR_SPMDATTRS_TD
#define PORTOLAN_DIALECTS_SPMD_IR_SPMDATTRS_TD

include "mlir/IR/AttrTypeBase.td"
include "dialects/Spmd/IR/SpmdDialect.td"

class Spmd_Attr<string name, string attrMnemonic>
    : AttrDef<Spmd_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Spmd_GroupAttr : Spmd_Attr<"Group", "group"> {
  let summary = "The ranks of a stage that take part in a collective.";
  let description = [{
    `size` ranks that are `stride` apart in the linear order of a stage: rank r
    is in the group of r - (r / stride mod size) * stride, as member
    r / stride mod size.
  }];
  let parameters = (ins "int64_t":$size, "int64_t":$stride);
  let assemblyFormat = "`<` $size `by` $stride `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    ::portolan::Group group() const { return {getSize(), getStride()}; }
  }];
}

def Spmd_ShardAttr : Spmd_Attr<"Shard", "shard"> {
  let summary = "Which slice of a whole tensor each rank of a stage holds.";
  let description = [{
    Dimension d is cut into `parts[d]` contiguous blocks of whole `units[d]`
    (a head, say), the first ones one unit larger if the division is uneven.
    Rank r holds block r / `strides[d]` mod `parts[d]`; ranks with the same
    blocks hold copies. One part is the whole dimension.

    With `slots`, dimension 0 is first read through them: what is cut into
    blocks is the list of elements `slots[0]`, `slots[1]`, ... of it, which may
    name an element (an expert) more than once.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$parts,
                        ArrayRefParameter<"int64_t">:$strides,
                        ArrayRefParameter<"int64_t">:$units,
                        OptionalArrayRefParameter<"int64_t">:$slots);
  let assemblyFormat = [{
    `<` `parts` `=` `[` $parts `]` `,` `strides` `=` `[` $strides `]` `,`
    `units` `=` `[` $units `]` (`,` `slots` `=` `[` $slots^ `]`)? `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Offset and size along `dim` of what rank `rank` of a stage holds of a
    /// tensor of `extent` elements there (with slots: of the slots).
    std::pair<int64_t, int64_t> sliceOf(unsigned dim, int64_t extent,
                                        int64_t rank) const;
  }];
}

#endif // PORTOLAN_DIALECTS_SPMD_IR_SPMDATTRS_TD
