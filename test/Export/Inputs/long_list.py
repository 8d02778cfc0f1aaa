"""A node with as many operands as asked for."""

import sys

count = int(sys.argv[1])
arguments = ", ".join(f"%{index}: tensor<4xf32>" for index in range(count))
operands = ", ".join(f"%{index}" for index in range(count))
types = ", ".join(["tensor<4xf32>"] * count)
print(f"""func.func @f({arguments.replace('%', '%x')}) {{
  %r = graph.node "Concat"({operands.replace('%', '%x')}) {{version = 13 : i64}} : ({types}) -> tensor<4xf32>
  return
}}""")
