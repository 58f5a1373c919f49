"""Convert networks with TensorFlow, and ask tflite-micro's own interpreter what they take; run by hand.

    pip install tensorflow==2.21 tflite-micro
    python benchmarks/device.py > tests/data/deploy_converted.json
    python benchmarks/device.py PROBE …                 # the rows of these alone

Every network of :data:`NETWORKS` and every probe of tests/data/deploy/probes.yaml becomes a Keras model with random
weights, then a .tflite file, which the interpreter allocates.  What it printed is what tests/deployment holds
``cnncalc deploy`` to.  To verify a layer type, write it in benchmarks/device_layers.py and a probe that has it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf
import yaml
from device_keras import keras_model
from tflite_micro.python.tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

import cnncalc
from cnncalc.deployment.offline import offline_plan
from cnncalc.deployment.view import deploy, device

PROBES = Path(__file__).parents[1] / "tests/data/deploy/probes.yaml"
ARENA = 200_000_000

NETWORKS = """
ds_cnn, resnet8, toyadmos_autoencoder, vww_mobilenet_v1_0.25_96, lenet5 in int8, int16x8, float32
eegnet_8_2, all_cnn, pilotnet, nature_dqn, nin_cifar10, squeezenet1_1, textbook_convnet, textbook_pooling in int8
cifar_resnet20, preact_resnet110, wrn_40_1, densenet_40_12, densenet_bc_100_12, m3, m5, quartznet_5x5 in int8
mobilenet_v1_0.25_128, mobilenet_v2_0.35_96 in int8, int16x8
mobilenet_v3_small, mobilenet_v2 at 3x96x96 in int8, float32
mobilenet_v3_large_0.75, mnasnet0_5, shufflenet_v2_x0_5, ghostnet_0.5, xception, yolov3_tiny at 3x96x96 in int8
efficientnet_b0, efficientnet_lite0, efficientnet_v2_s at 3x96x96 in int8
resnet18, googlenet, regnet_x_400mf, regnet_y_400mf, shufflenet_g1, shufflenet_g3, densenet121 at 3x64x64 in int8
se_resnet50, resnext50_32x4d, repvgg_a0, segnet at 3x64x64 in int8
inception_v3 at 3x139x139 in int8
dcgan_generator, dcgan_discriminator in int8
espcn, fsrcnn at 1x24x24 in int8
edsr_baseline_x2 at 3x24x24 in int8
"""
"""What is converted: names, perhaps at another input, in kinds of numbers."""

IN_FLOAT = "layernorm groupnorm radix_attention tokens positions squares divided gathered reductions expanded"
IN_FLOAT += (
    " prelu_and_relu hardswish_and_relu heights one_filter zeros constants_for_some biases_of_several equal_layers"
    " shared shared_behind_a_pooling unread gates_of_several"
)
"""Probes that are converted in float32, too."""

IN_16X8 = """
no_bias positions log_softmax prelu shuffles space_to_depth padded_with_a_value numbers_beside_constants zeros
"""
"""Probes that are converted in int16x8, too."""

_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_TYPES = {code: name for name, code in vars(schema.TensorType).items() if not name.startswith("_")}


def converted(network: Any, quant: str) -> bytes:
    """Return a network as TensorFlow's converter makes it, every tensor of one kind."""
    model = keras_model(network)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if quant == "float32":
        return converter.convert()
    rng = np.random.default_rng(1)

    def data() -> Any:
        for _ in range(2):
            values = {one.name: rng.normal(0, 1, one.shape).astype("float32") for one in model.inputs}
            yield values if len(values) > 1 else list(values.values())

    sets = tf.lite.OpsSet
    kinds = {
        "int8": (sets.TFLITE_BUILTINS_INT8, tf.int8),
        "int16x8": (sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8, tf.int16),
    }
    operators, kind = kinds[quant]
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = data
    converter.target_spec.supported_ops = [operators]
    converter.inference_input_type = converter.inference_output_type = kind
    return converter.convert()


def read(data: bytes) -> Any:
    """Return the model of a file."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(data), 0))


def facts(data: bytes) -> dict[str, Any]:
    """Return what stands in a file: bytes of constants by type, stored once; scales and zero points; operators."""
    model = read(data)
    graph = model.subgraphs[0]
    stored: dict[int, tuple[str, int]] = {}
    scales = 0
    for tensor in graph.tensors:
        values = model.buffers[tensor.buffer].data
        if values is not None and len(values):
            stored[tensor.buffer] = (_TYPES[tensor.type], len(values))
        if tensor.quantization is not None and tensor.quantization.scale is not None:
            scales += len(tensor.quantization.scale)
    constants: Counter[str] = Counter()
    for kind, size in stored.values():
        constants[kind] += size
    codes = [model.operatorCodes[operator.opcodeIndex] for operator in graph.operators]
    names = Counter([_OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in codes])
    return {
        "file_bytes": len(data), "constants": dict(sorted(constants.items())), "scales": scales,
        "tensors": len(graph.tensors), "operators": dict(sorted(names.items())),
        "names_bytes": sum(len(tensor.name) for tensor in graph.tensors),
    }  # fmt: skip


def asked(data: bytes) -> dict[str, Any]:
    """Return head and tail of the arena, as the interpreter prints them, or why it refuses the file."""
    with tempfile.TemporaryFile() as told:
        sys.stdout.flush()
        kept = os.dup(1), os.dup(2)
        os.dup2(told.fileno(), 1), os.dup2(told.fileno(), 2)
        try:
            runtime.Interpreter.from_bytes(data, arena_size=ARENA).print_allocations()
        except RuntimeError:
            pass
        finally:
            sys.stdout.flush()
            os.dup2(kept[0], 1), os.dup2(kept[1], 2)
        told.seek(0)
        text = told.read().decode(errors="replace")
    found = {name: int(size) for name, size in re.findall(r"Arena allocation (head|tail) (\d+)", text)}
    return found or {"refused": " ".join(text.split())[-160:]}


def with_offsets(data: bytes, plan: dict[str, Any]) -> bytes:
    """Return a file with a plan's offsets as its OfflineMemoryAllocation metadata."""
    import flatbuffers

    model = read(data)
    graph = model.subgraphs[0]
    offsets = [-1] * len(graph.tensors)
    for tensor, place in zip(graph.inputs, plan["inputs"], strict=True):
        offsets[tensor] = place["offset"]
    for operator, place in zip(graph.operators, plan["operators"], strict=True):
        offsets[operator.outputs[0]] = place["offset"]
    model.buffers.append(schema.BufferT())
    model.buffers[-1].data = np.frombuffer(np.array([1, 0, len(offsets), *offsets], "<i4").tobytes(), np.uint8)
    note = schema.MetadataT()
    note.name, note.buffer = plan["metadata"], len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), note]
    builder = flatbuffers.Builder(len(data) + 65536)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def row(what: dict[str, Any], network: Any, quant: str) -> dict[str, Any]:
    """Return what becomes of one network."""
    try:
        data = converted(network, quant)
    except Exception as error:  # the converter raises whatever it likes
        return {**what, "quant": quant, "not_converted": str(error).strip().splitlines()[-1][:160]}
    return {**what, "quant": quant, **facts(data), **asked(data)}


def wanted() -> list[tuple[str, str | None, str]]:
    """Return the networks of :data:`NETWORKS`: name, input, kind."""
    found = []
    for line in NETWORKS.strip().splitlines():
        networks, _, kinds = line.partition(" in ")
        names, _, shape = networks.partition(" at ")
        found += [(name, shape or None, kind) for name in names.split(", ") for kind in kinds.split(", ")]
    return found


def probed(names: list[str]) -> list[dict[str, Any]]:
    """Return the rows of probes, all of them where none is named."""
    rows = []
    for name, text in yaml.safe_load(PROBES.read_text()).items():
        if not names or name in names:
            kinds = ["int8", *["float32"] * (name in IN_FLOAT.split()), *["int16x8"] * (name in IN_16X8.split())]
            rows += [row({"probe": name}, cnncalc.loads(text), kind) for kind in kinds]
            print(name, file=sys.stderr, flush=True)
    return rows


def main() -> None:
    names = sys.argv[1:]
    rows = probed(names)
    if names:
        print(",\n".join(json.dumps(one, default=int) for one in rows))
        return
    for name, shape, quant in wanted():
        size = tuple(map(int, shape.split("x"))) if shape else None
        rows.append(row({"spec": name, "input": size}, cnncalc.load(name, input=size), quant))
        tf.keras.backend.clear_session()
        print(name, quant, file=sys.stderr, flush=True)
    vww = cnncalc.load("vww_mobilenet_v1_0.25_96")
    planned = with_offsets(converted(vww, "int8"), offline_plan(deploy(vww, device(plan="best"))))
    packages = ("tensorflow", "keras", "tflite-micro")
    result = {
        "source": "benchmarks/device.py: " + ", ".join(f"{name} {version(name)}" for name in packages),
        "offline_plan": {"spec": "vww_mobilenet_v1_0.25_96", **asked(planned)},
        "rows": rows,
    }
    head, _, tail = json.dumps({**result, "rows": []}, default=int).rpartition("[]")
    lines = ",\n".join(json.dumps(one, default=int) for one in rows)
    print(f"{head}[\n{lines}\n]{tail}")


if __name__ == "__main__":
    main()
