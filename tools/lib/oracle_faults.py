"""What ONNX Runtime is known not to do, or to do wrong, on the CPU: each by the node
that shows it. A model with such a node is skipped, with the reason."""

import re
from typing import Callable, NamedTuple

CONTRIB = "com.microsoft"
# Inputs of the contrib ops.
MOE_FC3, QMOE_ROUTER_WEIGHTS = 6, 14
ATTENTION_QUERY_NORM, ATTENTION_KEY_NORM = 14, 15


class Fault(NamedTuple):
    """`message` is what ONNX Runtime must say when it refuses; None where it computes
    something else without a word."""
    ops: tuple
    found: Callable
    reason: str
    message: str = None

    def matches(self, node):
        return node.domain == CONTRIB and node.op in self.ops and self.found(node)

    def explains(self, error):
        return self.message is not None and re.search(self.message, error) is not None


def gated(node):
    return node.attributes.get("activation_type") == "swiglu"


FAULTS = (
    Fault(("MoE",), lambda node: node.has_input(MOE_FC3),
          "MoE with a gate as fc3 is not implemented on the CPU",
          "FC3 is not implemented"),
    Fault(("MoE", "QMoE"),
          lambda node: gated(node) and node.attributes.get("swiglu_fusion", 0) != 1,
          "experts whose gate does not alternate with the linear part are not implemented on "
          "the CPU", "only supports interleaved SwiGLU"),
    Fault(("QMoE",), lambda node: node.attributes.get("quant_type", "int") != "int",
          "QMoE of floats is not implemented on the CPU",
          r"of operator \(QMoE\) in node .* is invalid|Could not find an implementation for QMoE"),
    Fault(("GroupQueryAttention",),
          lambda node: node.has_input(ATTENTION_QUERY_NORM) or node.has_input(ATTENTION_KEY_NORM),
          "GroupQueryAttention with norms is not implemented on the CPU", "norm_weight"),
    Fault(("MoE",), lambda node: node.attributes.get("normalize_routing_weights", 0) == 0,
          "MoE without normalized weights is wrong in a graph of several layers"),
    Fault(("QMoE",),
          lambda node: node.attributes.get("normalize_routing_weights", 0) == 0 and
          not node.has_input(QMOE_ROUTER_WEIGHTS),
          "QMoE normalizes the weights on the CPU whatever the attribute says"),
    Fault(("MoE", "QMoE"), lambda node: node.attributes.get("use_sparse_mixer", 0) != 0,
          "use_sparse_mixer has no effect on the CPU"),
)


def fault_of(graph, error=None):
    """The first fault that a node of the graph shows, and that explains the error if
    there is one; else None."""
    for fault in FAULTS:
        if error is not None and not fault.explains(error):
            continue
        if any(fault.matches(node) for node in graph.nodes):
            return fault
    return None
