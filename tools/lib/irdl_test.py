"""What irdl.py makes of a dialect's records."""

import unittest

import irdl


def reference(name):
    return {"def": name}


def dag(**arguments):
    return {"args": [[reference(record), name] for name, record in arguments.items()]}


def attribute(storage, optional=0, default=None):
    return {"!superclasses": ["AttrConstraint", "Attr"], "isOptional": optional,
            "defaultValue": default, "storageType": f" ::mlir::{storage} "}


def op(name, arguments, results=None, regions=None, traits=()):
    return {"opName": name, "!locs": ["ToyOps.td:1"], "opDialect": reference("Toy"), "arguments": arguments,
            "results": results or dag(), "regions": regions or dag(),
            "traits": [reference(trait) for trait in traits]}


RECORDS = {
    "Toy": {"!name": "Toy", "name": "toy", "dependentDialects": []},
    "Tensor": {"!name": "Tensor", "!superclasses": ["TypeConstraint", "RankedTensorOf"]},
    "AnyType": {"!name": "AnyType", "!superclasses": ["TypeConstraint"]},
    "Odd": {"!name": "Odd", "!superclasses": ["TypeConstraint"]},
    "Tensors": {"!name": "Tensors", "!superclasses": ["TypeConstraint", "Variadic"],
                "baseType": reference("AnyType")},
    "Text": attribute("StringAttr"),
    "MaybeText": attribute("StringAttr", optional=1),
    "Zero": attribute("IntegerAttr", default="0"),
    "Regions": {"!superclasses": ["Region", "VariadicRegion"]},
}


def dialect(**ops):
    records = {**RECORDS, **ops, "!instanceof": {"Op": list(ops), "Dialect": ["Toy"]}}
    return irdl.Dialect(records, "ToyOps.td", {})


class Irdl(unittest.TestCase):
    def test_each_operand_has_a_constraint_of_its_own(self):
        text = dialect(A=op("a", dag(x="Tensor", y="Tensor"))).text()
        self.assertIn("irdl.operands(x: %0, y: %1)", text)

    def test_one_type_is_one_value(self):
        text = dialect(A=op("a", dag(x="Tensor"), dag(y="Tensor"),
                            traits=["SameOperandsAndResultType"])).text()
        self.assertIn("irdl.operands(x: %0)", text)
        self.assertIn("irdl.results(y: %0)", text)

    def test_attributes(self):
        text = dialect(A=op("a", dag(t="Text", m="MaybeText", z="Zero"))).text()
        self.assertIn('%0 = irdl.base "#builtin.string"', text)
        self.assertIn('irdl.attributes {"t" = %0}', text)
        self.assertIn("// not checked: m, z", text)

    def test_what_has_no_constraint_is_named(self):
        text = dialect(A=op("a", dag(x="Odd"))).text()
        self.assertIn("// not checked: x", text)
        self.assertIn("irdl.operands(x: %0)", text)

    def test_a_list_is_optional_slots(self):
        toy = dialect(A=op("a", dag(xs="Tensors", last="Tensor")))
        text = toy.text()
        self.assertIn("xs_0: optional %0", text)
        self.assertIn(f"xs_{irdl.SLOTS - 1}: optional %{irdl.SLOTS - 1}, last: %", text)
        self.assertEqual(toy.lists(), (['{"toy.a", 0, 1},'], [], []))

    def test_a_list_of_regions_is_an_op_per_number(self):
        toy = dialect(A=op("a", dag(), regions=dag(bodies="Regions")))
        self.assertIn("irdl.operation @a {\n    }", toy.text())
        self.assertIn("irdl.regions(bodies0: %bodies_region0, bodies1: %bodies_region1)",
                      toy.text())
        self.assertEqual(toy.lists()[2], ['"toy.a",'])


if __name__ == "__main__":
    unittest.main()
