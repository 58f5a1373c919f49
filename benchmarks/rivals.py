"""A network of ours as other executors run it: eager PyTorch, ONNX Runtime, and ONNX's own NumPy reference.

Only the layer types that the benchmark's networks have; every rival gets the same weights and the same input.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnncalc.graph import Node, Tensor
from cnncalc.network import Network

Runner = Callable[[Any], Any]
Weights = Mapping[str, Any]


def arguments(node: Node) -> dict[str, Any]:
    """Return a layer's arguments, padding as figures."""
    return node.layer.described(*node.use.inputs)


def ours(network: Network, weights: Weights, threads: int) -> Runner:
    """Return our own executor, a session; the process holds its BLAS to one thread."""
    from cnncalc.execution.planning import RunPlan
    from cnncalc.execution.session import Session

    return Session(RunPlan(network), dict(weights), threads=threads)


# --- PyTorch -------------------------------------------------------------------------------------------------


def pytorch(network: Network, weights: Weights, threads: int) -> Runner:
    """Return the network as eager PyTorch modules in evaluation mode, rectifiers in place where they may be."""
    import torch

    torch.set_num_threads(threads)
    uses = Counter(tensor for node in network.nodes for tensor in node.inputs)
    last = {tensor: node for node in network.nodes for tensor in node.inputs}
    modules = {node: _module(node, weights, uses[node.inputs[0]] == 1) for node in network.nodes}
    start, end = next(iter(network.inputs.values())), network.nodes[-1]

    @torch.inference_mode()
    def run(x: Any) -> Any:
        values: dict[Tensor, Any] = {start: torch.from_numpy(x)}
        for node in network.nodes:
            values[node] = modules[node](*(values[tensor] for tensor in node.inputs))
            for tensor in node.inputs:
                if last[tensor] is node:
                    values.pop(tensor, None)
        return values[end].numpy()

    return run


def _module(node: Node, weights: Weights, alone: bool) -> Callable[..., Any]:
    import torch
    from torch import nn

    given, shape = arguments(node), node.use.inputs[0]
    pads = [before for before, _ in given.get("padding", ())]
    made: Any
    match node.layer.type:
        case "conv":
            made = nn.Conv2d(
                shape[0], given["out_channels"], given["kernel_size"], given["stride"], pads, given["dilation"],
                given["groups"], given["bias"],
            )  # fmt: skip
        case "batchnorm":
            made = nn.BatchNorm2d(shape[0], given["eps"])
        case "linear":
            made = nn.Linear(shape[0], given["out_features"], given["bias"])
        case "relu":
            made = nn.ReLU(inplace=alone)
        case "relu6":
            made = nn.ReLU6(inplace=alone)
        case "maxpool":
            made = nn.MaxPool2d(given["kernel_size"], given["stride"], pads, ceil_mode=given["ceil_mode"])
        case "avgpool":
            made = nn.AvgPool2d(given["kernel_size"], given["stride"], pads)
        case "adaptive_avgpool" | "global_avgpool":
            made = nn.AdaptiveAvgPool2d(node.shape[1:])
        case "flatten":
            made = nn.Flatten()
        case "dropout":
            made = nn.Dropout()
        case "add":
            return torch.add
        case "concat":
            return lambda *tensors: torch.cat(tensors, 1)
        case other:
            raise NotImplementedError(other)
    state = {name: torch.from_numpy(np.ascontiguousarray(weights[f"{node.name}.{name}"])) for name in node.use.weights}
    made.load_state_dict(state, strict=False)
    return made.eval()  # type: ignore[no-any-return]


# --- ONNX ----------------------------------------------------------------------------------------------------


def onnx_model(network: Network, weights: Weights) -> Any:
    """Return the network as an ONNX model, operator set 17."""
    from onnx import TensorProto, helper, numpy_helper

    start, end = next(iter(network.inputs.values())), network.nodes[-1]
    nodes = []
    for node in network.nodes:
        operator, options = _operator(node)
        order = ("weight", "bias", "running_mean", "running_var")
        parameters = [f"{node.name}.{name}" for name in order if name in node.use.weights]
        inputs = [tensor.name for tensor in node.inputs] + parameters
        nodes.append(helper.make_node(operator, inputs, [node.name], node.name, **options))
    tensors = [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in weights.items()]
    tensors += [numpy_helper.from_array(np.float32(limit), f"{limit}") for limit in (0, 6)]
    for made in nodes:
        if made.op_type == "Clip":
            made.input.extend(["0", "6"])
    graph = helper.make_graph(
        nodes,
        network.title,
        [helper.make_tensor_value_info(start.name, TensorProto.FLOAT, [1, *start.shape])],
        [helper.make_tensor_value_info(end.name, TensorProto.FLOAT, [1, *end.shape])],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _operator(node: Node) -> tuple[str, dict[str, Any]]:
    given = arguments(node)
    window = {"kernel_shape": given.get("kernel_size"), "strides": given.get("stride")}
    if "padding" in given:
        window["pads"] = [before for before, _ in given["padding"]] + [after for _, after in given["padding"]]
    match node.layer.type:
        case "conv":
            return "Conv", window | {"dilations": given["dilation"], "group": given["groups"]}
        case "batchnorm":
            return "BatchNormalization", {"epsilon": given["eps"]}
        case "linear":
            return "Gemm", {"transB": 1}
        case "relu":
            return "Relu", {}
        case "relu6":
            return "Clip", {}
        case "maxpool":
            return "MaxPool", window | {"ceil_mode": int(given["ceil_mode"])}
        case "avgpool":
            return "AveragePool", window | {"count_include_pad": 1}
        case "global_avgpool":
            return "GlobalAveragePool", {}
        case "adaptive_avgpool":
            sizes = [a // b for a, b in zip(node.use.inputs[0][1:], node.shape[1:], strict=True)]
            return "AveragePool", {"kernel_shape": sizes, "strides": sizes}
        case "flatten":
            return "Flatten", {}
        case "dropout":
            return "Identity", {}
        case "add":
            return "Add", {}
        case "concat":
            return "Concat", {"axis": 1}
        case other:
            raise NotImplementedError(other)


def onnxruntime(network: Network, weights: Weights, threads: int) -> Runner:
    """Return an ONNX Runtime session on the CPU, all optimisations on."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    model = onnx_model(network, weights).SerializeToString()
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def reference(network: Network, weights: Weights, threads: int) -> Runner:
    """Return ONNX's reference implementation in NumPy."""
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(onnx_model(network, weights))
    name = next(iter(network.inputs))
    return lambda x: evaluator.run(None, {name: x})[0]


RIVALS: dict[str, Callable[[Network, Weights, int], Runner]] = {
    "cnncalc": ours,
    "torch": pytorch,
    "onnxruntime": onnxruntime,
    "onnx reference": reference,
}
MODULES = {"torch": "torch", "onnxruntime": "onnxruntime", "onnx reference": "onnx"}
