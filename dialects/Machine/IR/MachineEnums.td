//===- MachineEnums.td - enumerations of the machine dialect -*- tablegen -*-=//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The enumerations are in the order of their namesakes in
// include/portolan/Machine/Machine.h, which the loader asserts.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_MACHINE_ENUMS_TD
#define PORTOLAN_MACHINE_ENUMS_TD

include "dialects/Machine/IR/MachineDialect.td"
include "mlir/IR/EnumAttr.td"

class Machine_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::portolan::machine";
}

def Machine_ConfidenceLevel
    : Machine_Enum<"ConfidenceLevel", "how well a figure is known", [
        I32EnumAttrCase<"Vendor", 0, "V">,
        I32EnumAttrCase<"VendorThirdHand", 1, "V3">,
        I32EnumAttrCase<"MeasuredByVendor", 2, "Mv">,
        I32EnumAttrCase<"MeasuredByThirdParty", 3, "M3">,
        I32EnumAttrCase<"Paper", 4, "P">, I32EnumAttrCase<"Memory", 5, "mem">,
        I32EnumAttrCase<"Estimated", 6, "E">,
        I32EnumAttrCase<"Derived", 7, "D">,
        I32EnumAttrCase<"Assumed", 8, "assumed">]>;

def Machine_FamilyKind
    : Machine_Enum<"FamilyKind", "the dialect that lowers for a system", [
        I32EnumAttrCase<"Switched", 0, "switched">,
        I32EnumAttrCase<"Torus", 1, "torus">,
        I32EnumAttrCase<"Trainium", 2, "trainium">,
        I32EnumAttrCase<"Wafer", 3, "wafer">]>;

def Machine_EngineClass
    : Machine_Enum<"EngineClass", "what an engine does", [
        I32EnumAttrCase<"Matmul", 0, "matmul">,
        I32EnumAttrCase<"Vector", 1, "vector">,
        I32EnumAttrCase<"Transcendental", 2, "transcendental">,
        I32EnumAttrCase<"Gather", 3, "gather">]>;

def Machine_TopologyClass
    : Machine_Enum<"TopologyClass", "how chips are connected", [
        I32EnumAttrCase<"FullSwitch", 0, "full_switch">,
        I32EnumAttrCase<"Torus", 1, "torus">,
        I32EnumAttrCase<"WaferMesh", 2, "wafer_mesh">]>;

def Machine_Wrap : Machine_Enum<"Wrap", "when an axis wraps around", [
    I32EnumAttrCase<"Never", 0, "never">,
    I32EnumAttrCase<"Always", 1, "always">,
    I32EnumAttrCase<"AllAxesMultiple", 2, "all_axes_multiple">,
    I32EnumAttrCase<"AxisEquals", 3, "axis_equals">]>;

def Machine_MatrixUnit
    : Machine_Enum<"MatrixUnitClass", "how a core issues matrix products", [
        I32EnumAttrCase<"WarpgroupMma", 0, "warpgroup_mma">,
        I32EnumAttrCase<"TmemMma", 1, "tmem_mma">]>;

#endif // PORTOLAN_MACHINE_ENUMS_TD
