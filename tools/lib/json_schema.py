"""Checks a JSON document against the tables of a documentation page, so that
the page cannot drift from the program.

Usage: json_schema.py PAGE.md ROOT_OBJECT FILE.json   (FILE -: standard input)

A section `## Name` with a table of `field`, type and meaning describes an
object; the page's introduction says what a type may be. Prints one line per
difference and exits with 1 if there is any.
"""

import json
import re
import sys

SCALARS = {
    "string": lambda v: isinstance(v, str),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "value": lambda v: isinstance(v, (str, int, float)) and not isinstance(v, bool),
}


def read_page(text):
    """Object name -> {field: type} from the tables of a page."""
    objects, name = {}, None
    for line in text.splitlines():
        heading = re.match(r"## (\w+)$", line)
        row = re.match(r"\| `(\w+)` \| (.+?) \|", line)
        if heading:
            name = heading.group(1)
        elif row and name:
            objects.setdefault(name, {})[row.group(1)] = row.group(2)
    return objects


class Checker:
    def __init__(self, objects):
        self.objects = objects
        self.problems = []

    def expect(self, path, what, value):
        self.problems.append(f"{path}: expects {what}, got {json.dumps(value)[:60]}")

    def check(self, value, kind, path):
        kind = kind.removesuffix("~")
        if kind.endswith("?"):
            if value is None:
                return
            kind = kind[:-1]
        if kind in SCALARS:
            if not SCALARS[kind](value):
                self.expect(path, kind, value)
        elif kind.startswith("[") and "," in kind:
            kinds = [part.strip() for part in kind[1:-1].split(",")]
            if not isinstance(value, list) or len(value) != len(kinds):
                self.expect(path, f"a list of {len(kinds)}", value)
            else:
                for index, (item, part) in enumerate(zip(value, kinds)):
                    self.check(item, part, f"{path}[{index}]")
        elif kind.startswith("["):
            if not isinstance(value, list):
                self.expect(path, "a list", value)
            else:
                for index, item in enumerate(value):
                    self.check(item, kind[1:-1], f"{path}[{index}]")
        elif kind.startswith("{"):
            if not isinstance(value, dict):
                self.expect(path, "an object", value)
            else:
                for key, item in value.items():
                    self.check(item, kind[1:-1], f"{path}.{key}")
        else:
            self.check_object(value, kind, path)

    def check_object(self, value, name, path):
        if name not in self.objects:
            self.problems.append(f"{path}: the page has no section {name}")
            return
        if not isinstance(value, dict):
            self.expect(path, f"an object {name}", value)
            return
        fields = self.objects[name]
        for field, kind in fields.items():
            if field in value:
                self.check(value[field], kind, f"{path}.{field}")
            elif not kind.endswith("~"):
                self.problems.append(f"{path}: has no field {field}")
        for field in value:
            if field not in fields:
                self.problems.append(f"{path}.{field}: is not in the page's section {name}")


def main(page, root, file):
    with open(page, encoding="utf-8") as text:
        checker = Checker(read_page(text.read()))
    if file == "-":
        document = json.load(sys.stdin)
    else:
        with open(file, encoding="utf-8") as text:
            document = json.load(text)
    checker.check(document, root, root)
    print("\n".join(checker.problems) if checker.problems else f"{root}: as described in {page}")
    return 1 if checker.problems else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: json_schema.py PAGE.md ROOT_OBJECT FILE.json")
    sys.exit(main(*sys.argv[1:]))
