"""Writes Portolan's dialects as IRDL, for an MLIR that has none of our code.

Usage: irdl.py OUTPUT_DIR TABLES.inc RECORDS.json...

RECORDS are what `llvm-tblgen --dump-json` says of a dialect's <Name>Ops.td. One
file per dialect, which starts with the dialects that it depends on, so that
`mlir-opt --irdl-file=moe.irdl.mlir` needs nothing else; portolan.irdl.mlir holds
them all. TABLES is C++ for the printer of modules. What IRDL cannot say is left out, never guessed: optional attributes
and predicates in C++ are not checked, and a comment names them.
docs/plug-in.md says in which form the text of a module is.
"""

import json
import os
import sys

# Storage classes of attributes -> their names in MLIR.
ATTRIBUTES = {"ArrayAttr": "array", "BoolAttr": "integer", "DenseBoolArrayAttr": "dense_array",
              "DenseF64ArrayAttr": "dense_array", "DenseI32ArrayAttr": "dense_array",
              "DenseI64ArrayAttr": "dense_array", "DictionaryAttr": "dictionary",
              "FlatSymbolRefAttr": "symbol_ref", "FloatAttr": "float", "IntegerAttr": "integer",
              "StringAttr": "string", "SymbolRefAttr": "symbol_ref", "TypeAttr": "type"}

# A list of IRDL has elements of one type: an op with a list gets this many
# optional operands or results instead, and one with a list of regions is an op
# per number of regions. lib/Export/IrdlForm.cpp prints modules accordingly.
SLOTS = 32
MAX_REGIONS = 2


class Body:
    """The lines of one IRDL definition. All uses of one value stand for one
    attribute or type, so that each constraint is a value of its own, except
    where an op's operands and results have one type."""

    def __init__(self, one_type=False):
        self.lines = []
        self.count = 0
        self.type = {} if one_type else None
        self.unchecked = []

    def value(self, text):
        self.lines.append(f"%{self.count} = {text}")
        self.count += 1
        return f"%{self.count - 1}"

    def type_value(self, text):
        if self.type is None:
            return self.value(text)
        if text not in self.type:
            self.type[text] = self.value(text)
        return self.type[text]

    def any_of(self, values):
        return values[0] if len(values) == 1 else self.value(f"irdl.any_of({', '.join(values)})")

    def text(self, head, indent):
        pad = " " * indent
        lines = [f"{pad}// not checked: {', '.join(self.unchecked)}"] if self.unchecked else []
        lines += [f"{pad}{head} {{"] + [f"{pad}  {line}" for line in self.lines] + [pad + "}"]
        return "\n".join(lines)


class Dialect:
    """The dialect whose ops are defined in one .td file, from all of its records."""

    def __init__(self, records, file, known):
        self.records = records
        self.known = known  # dialect namespace -> names of attributes and types
        # The file may include the ops of other dialects.
        owners = {op["opDialect"]["def"] for op in map(records.get, records["!instanceof"]["Op"])
                  if any(place.startswith(file + ":") for place in op["!locs"])}
        if len(owners) != 1:
            sys.exit(f"irdl.py: {file}: expects ops of one dialect, got {sorted(owners)}")
        self.record = records[owners.pop()]
        self.name = self.record["name"]
        self.ops = sorted((records[name] for name in records["!instanceof"]["Op"]
                           if self.owns(records[name], "opDialect")), key=lambda op: op["opName"])
        self.attributes = self.definitions("AttrDef")
        self.types = self.definitions("TypeDef")
        known[self.name] = {record["mnemonic"] for record in self.attributes + self.types}

    def owns(self, record, field):
        return self.records[record[field]["def"]]["name"] == self.name

    def definitions(self, kind):
        names = self.records["!instanceof"].get(kind, [])
        return sorted((self.records[name] for name in names
                       if self.owns(self.records[name], "dialect")),
                      key=lambda record: record["mnemonic"])

    def depends_on(self, others):
        """Those of `others` that must be defined before this dialect."""
        wanted = [self.records[name]["name"] for name in self.records["!instanceof"]["Dialect"]]
        classes = " ".join(self.record["dependentDialects"])
        return [other for other in others if other is not self and
                (other.name in wanted or f"::{other.name}::" in classes)]

    def get(self, reference):
        return self.records[reference["def"]]

    def reference(self, body, sigil, definition):
        """A constraint on an attribute or type that a dialect defines."""
        namespace, mnemonic = self.get(definition["dialect"])["name"], definition["mnemonic"]
        if mnemonic in self.known.get(namespace, ()):
            return body.value(f"irdl.base @{namespace}::@{mnemonic}")
        if sigil == "!" and not definition["parameters"]["args"]:
            # Naming the type also loads its dialect.
            return body.value(f"irdl.is !{namespace}.{mnemonic}")
        return None

    def type_constraint(self, body, record):
        """The IRDL value for a type constraint, or None if there is none."""
        classes = record["!superclasses"]
        if "RankedTensorOf" in classes:
            return body.type_value('irdl.base "!builtin.tensor"')
        if "TensorOf" in classes:
            return body.any_of([body.value('irdl.base "!builtin.tensor"'),
                                body.value('irdl.base "!builtin.unranked_tensor"')])
        if "AnyTypeOf" in classes:
            parts = [self.type_constraint(body, self.get(part))
                     for part in record["allowedTypes"]]
            return None if None in parts else body.any_of(parts)
        if "TypeDef" in classes:
            return self.reference(body, "!", record)
        if record["!name"] == "NoneType":
            return body.value("irdl.is none")
        return None

    def attribute_constraint(self, body, record):
        """The IRDL value for an attribute constraint, or None if there is none."""
        classes = record["!superclasses"]
        if "ConfinedAttr" in classes:
            return self.attribute_constraint(body, self.get(record["baseAttr"]))
        if "AttrDef" in classes:
            return self.reference(body, "#", record)
        if "IntEnumAttrBase" in classes or "IntEnumInfo" in classes or "IntEnumAttr" in classes:
            width = "i64" if "I64EnumAttr" in classes else "i32"
            return body.any_of([body.value(f"irdl.is {self.get(case)['value']} : {width}")
                                for case in record["enumerants"]])
        storage = record.get("storageType", "").strip().split("::")[-1]
        if storage in ATTRIBUTES:
            return body.value(f'irdl.base "#builtin.{ATTRIBUTES[storage]}"')
        return None

    def checked(self, body, name, value):
        """`value`, or what accepts anything, noted as not checked."""
        if value is None:
            body.unchecked.append(name)
            return body.value("irdl.any")
        return value

    def list_position(self, arguments):
        """The index of the only list among operands or results, or None."""
        classes = [self.get(reference)["!superclasses"] for reference, _ in arguments]
        groups = [index for index, names in enumerate(classes)
                  if "Variadic" in names or "Optional" in names]
        return groups[0] if len(groups) == 1 and "Variadic" in classes[groups[0]] else None

    def operands(self, op):
        return [item for item in op["arguments"]["args"]
                if "TypeConstraint" in self.get(item[0])["!superclasses"]]

    def has_region_list(self, op):
        return any("VariadicRegion" in self.get(reference)["!superclasses"]
                   for reference, _ in op["regions"]["args"])

    def values(self, body, keyword, arguments):
        """The line for operands or results."""
        parts = []
        position = self.list_position(arguments)
        if position is not None:
            reference, name = arguments[position]
            arguments = (arguments[:position] +
                         [(reference, f"{name}_{slot}") for slot in range(SLOTS)] +
                         arguments[position + 1:])
        for reference, name in arguments:
            record, variadicity = self.get(reference), ""
            for kind in ("Variadic", "Optional"):
                if kind in record["!superclasses"]:
                    variadicity, record = kind.lower() + " ", self.get(record["baseType"])
            if position is not None:
                variadicity = variadicity and "optional "
            value = None if record["!name"] != "AnyType" else body.value("irdl.any")
            value = value or self.checked(body, name, self.type_constraint(body, record))
            parts.append(f"{name}: {variadicity}{value}")
        if parts:
            body.lines.append(f"{keyword}({', '.join(parts)})")

    def operation(self, op, listed_regions=0):
        """An op; if it has a list of regions, with so many of them."""
        traits = [trait["def"] for trait in op["traits"]]
        body = Body(one_type="SameOperandsAndResultType" in traits)
        arguments = op["arguments"]["args"]
        self.values(body, "irdl.operands", self.operands(op))
        self.values(body, "irdl.results", op["results"]["args"])
        required = []
        for reference, name in arguments:
            record = self.get(reference)
            if "AttrConstraint" not in record["!superclasses"]:
                continue
            # IRDL has no optional attribute: one that may be absent is not named.
            if record["isOptional"] or record["defaultValue"] is not None:
                body.unchecked.append(name)
            else:
                value = self.checked(body, name, self.attribute_constraint(body, record))
                required.append(f'"{name}" = {value}')
        if required:
            body.lines.append(f"irdl.attributes {{{', '.join(required)}}}")
        regions = []
        for reference, name in op["regions"]["args"]:
            classes = self.get(reference)["!superclasses"]
            size = self.get(reference).get("blocks") if "SizedRegion" in classes else None
            count = listed_regions if "VariadicRegion" in classes else 1
            for index in range(count):
                value = f"%{name}_region{index}"
                body.lines.append(f"{value} = irdl.region" +
                                  (f" with size {size}" if size else ""))
                regions.append(f"{name}{index if count > 1 else ''}: {value}")
        if regions:
            body.lines.append(f"irdl.regions({', '.join(regions)})")
        suffix = f"_regions_{listed_regions}" if listed_regions else ""
        return body.text(f"irdl.operation @{op['opName']}{suffix}", 4)

    def lists(self):
        """Rows of C++ tables: lists of operands, of results and of regions."""
        operands, results, regions = [], [], []
        for op in self.ops:
            name = f"{self.name}.{op['opName']}"
            for rows, arguments in ((operands, self.operands(op)),
                                    (results, op["results"]["args"])):
                position = self.list_position(arguments)
                if position is not None:
                    rows.append(f'{{"{name}", {position}, {len(arguments) - position - 1}}},')
            if self.has_region_list(op):
                regions.append(f'"{name}",')
        return operands, results, regions

    def definition(self, keyword, record):
        """An attribute or type: its text as one string, if it has parameters."""
        body = Body()
        if record["parameters"]["args"]:
            value = body.value('irdl.base "#builtin.string"')
            if "EnumAttr" in record["!superclasses"]:
                body = Body()
                cases = self.get(record["enum"])["enumerants"]
                value = body.any_of([body.value(f'irdl.is "{self.get(case)["str"]}"')
                                     for case in cases])
            body.lines.append(f"irdl.parameters(text: {value})")
        return body.text(f"irdl.{keyword} @{record['mnemonic']}", 4)

    def text(self):
        parts = [self.definition("attribute", record) for record in self.attributes]
        parts += [self.definition("type", record) for record in self.types]
        for op in self.ops:
            parts.append(self.operation(op))
            if self.has_region_list(op):
                parts += [self.operation(op, count + 1) for count in range(MAX_REGIONS)]
        return f"  irdl.dialect @{self.name} {{\n" + "\n".join(parts) + "\n  }\n"


def ordered(dialects):
    """The dialects, each behind those that it depends on."""
    result = []

    def add(dialect):
        for other in dialect.depends_on(dialects):
            add(other)
        if dialect not in result:
            result.append(dialect)

    for dialect in dialects:
        add(dialect)
    return result


def write(path, dialects):
    names = ", ".join(dialect.name for dialect in dialects)
    text = (f"// The dialects {names} as IRDL, for mlir-opt --irdl-file.\n"
            "// Generated by tools/lib/irdl.py from the .td files. Do not edit.\n"
            "module {\n" + "".join(dialect.text() for dialect in dialects) + "}\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_tables(path, dialects):
    """The C++ tables that IrdlForm.cpp includes."""
    rows = [sum(part, []) for part in zip(*(dialect.lists() for dialect in dialects))]
    names = ("ListLayout kOperandLists", "ListLayout kResultLists",
             "llvm::StringLiteral kRegionLists")
    text = (f"constexpr unsigned kSlots = {SLOTS};\n"
            f"constexpr unsigned kMaxRegions = {MAX_REGIONS};\n")
    for name, table in zip(names, rows):
        text += f"const {name}[] = {{\n" + "\n".join(table) + "\n};\n"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main(folder, tables, paths):
    known, dialects = {}, []
    for path in paths:
        definitions = os.path.splitext(os.path.basename(path))[0] + "Ops.td"
        with open(path, encoding="utf-8") as file:
            dialects.append(Dialect(json.load(file), definitions, known))
    dialects = ordered(sorted(dialects, key=lambda dialect: dialect.name))
    os.makedirs(folder, exist_ok=True)
    for dialect in dialects:
        needed = closure(dialect, dialects)
        write(os.path.join(folder, dialect.name + ".irdl.mlir"),
              [other for other in dialects if other in needed])
    write(os.path.join(folder, "portolan.irdl.mlir"), dialects)
    write_tables(tables, dialects)


def closure(dialect, dialects):
    """The dialect and all that it depends on, directly or not."""
    found = {dialect}
    pending = [dialect]
    while pending:
        for other in pending.pop().depends_on(dialects):
            if other not in found:
                found.add(other)
                pending.append(other)
    return found


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
