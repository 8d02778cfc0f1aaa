"""What json_schema.py accepts and refuses."""

import unittest

import json_schema

PAGE = """
## Report

| field | type | meaning |
|---|---|---|
| `name` | string | a name |
| `count` | integer? | null: unknown |
| `parts` | [Part] | some |
| `range` | [number, number] | low and high |
| `plan` | {value} | class to value |
| `extra` | Part~ | sometimes |

## Part

| field | type | meaning |
|---|---|---|
| `seconds` | number | time |
"""
GOOD = {"name": "a", "count": None, "parts": [{"seconds": 1.5}], "range": [1, 2.5],
        "plan": {"instance": "all", "pipeline": 1}}


def problems(**changes):
    document = {**GOOD, **changes}
    checker = json_schema.Checker(json_schema.read_page(PAGE))
    checker.check({key: value for key, value in document.items() if value != "absent"},
                  "Report", "Report")
    return checker.problems


class Schema(unittest.TestCase):
    def test_accepts(self):
        self.assertEqual(problems(), [])
        self.assertEqual(problems(count=3, extra={"seconds": 0}), [])

    def test_wrong_type(self):
        self.assertEqual(problems(name=1), ["Report.name: expects string, got 1"])
        self.assertEqual(problems(count=1.5), ["Report.count: expects integer, got 1.5"])
        self.assertEqual(problems(plan={"a": None}),
                         ["Report.plan.a: expects value, got null"])

    def test_null_where_not_allowed(self):
        self.assertEqual(problems(name=None), ["Report.name: expects string, got null"])

    def test_missing_and_unknown_field(self):
        self.assertEqual(problems(name="absent"), ["Report: has no field name"])
        self.assertEqual(problems(parts=[{"seconds": 1, "minutes": 2}]),
                         ["Report.parts[0].minutes: is not in the page's section Part"])

    def test_pair_of_wrong_length(self):
        self.assertEqual(problems(range=[1]), ["Report.range: expects a list of 2, got [1]"])


if __name__ == "__main__":
    unittest.main()
