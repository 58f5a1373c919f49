"""The public ``Network`` with summary(), run() and prepare(), and load() and loads().  No other room imports it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, SupportsIndex

from cnncalc.graph import Graph, Unmet
from cnncalc.ground import given
from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.ground.numbers import counted
from cnncalc.importers.opening import open_recipe

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnncalc.deployment.view import Deployment
    from cnncalc.execution.session import Session
    from cnncalc.execution.verify import Progress, Run
    from cnncalc.figures.summary import Summary
    from cnncalc.ground.given import Setting, ShapeLike, Tensors
    from cnncalc.language.recipe import Recipe


class Network(Graph):
    """A graph in which every shape is known, with methods for the usual tasks.

    ``load`` and ``loads`` make one.  ``add``, ``finish`` and ``up_to`` are for building graphs; a loaded network is
    finished.
    """

    @classmethod
    def of(cls, graph: Graph) -> Network:
        """Return a network of a finished graph's inputs, nodes and outputs, which it shares."""
        network = cls.__new__(cls)
        network.__dict__.update(graph.__dict__)
        return network

    @property
    def unmet(self) -> list[Unmet]:
        """Published figures of the spec that the network does not match."""
        from cnncalc.figures.expectations import unmet

        return unmet(self)

    def summary(
        self,
        *,
        batch: SupportsIndex = 1,
        dtype: npt.DTypeLike = "float32",
        optimizer: str = "adam",
        convention: str = "macs",
    ) -> Summary:
        """Return every figure of the network, which prints as a table.

        Args:
            batch: samples per pass; params don't depend on it.
            dtype: the type of weights and activations, for bytes: float64, float32, float16, bfloat16 or int8.
            optimizer: the optimiser whose state ``totals.memory.training`` counts: sgd, momentum or adam.
            convention: the way of counting ``macs``: cnncalc's own ("macs"), or another tool's (torchinfo, fvcore,
                ptflops, thop, calflops); of ``flops``, too, if the tool calls its count so.

        Raises:
            CnncalcError: if an argument is none of these.
        """
        from cnncalc.figures.summary import summarize
        from cnncalc.rendering.printed import PrintedSummary

        counted_for = given.whole("batch", batch), given.dtype_name(dtype)
        of = given.text("optimizer", optimizer), given.text("convention", convention)
        return PrintedSummary.of(self, summarize(self, *counted_for, *of))

    def _repr_html_(self) -> str:
        """Return the summary as HTML for notebooks."""
        from cnncalc.drawing.notebook import html
        from cnncalc.figures.summary import summarize

        return html(self, summarize(self))

    def run(
        self,
        x: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None,
        *,
        weights: Tensors | None = None,
        batch: SupportsIndex = 1,
        seed: SupportsIndex = 0,
        dtype: npt.DTypeLike | None = None,
        threads: SupportsIndex | None = None,
        repeat: SupportsIndex = 1,
        layers: Iterable[str] | None = (),
        fuse: bool = True,
        max_memory: SupportsIndex | None = None,
        progress: Progress | None = None,
    ) -> Run:
        """Run the network in inference mode, and compare every layer's shape and products with the inferred ones.

        Args:
            x: the input (N, *shape), or one sample without its batch axis; a mapping from names if there are several
                inputs; None for random ones.
            weights: tensors by their names in PyTorch's state_dict, or the path of an .npz or .safetensors; None for
                those of a model file, else random ones.
            batch: samples of a random input.
            seed: seed of random inputs and weights; the same seed gives the same bytes.
            dtype: float32 or float64; None for the input's own, else float32.
            threads: how many work; None for one per core that the process may use.
            repeat: number of passes; the median time is reported. The first pass is verified, the others are compared
                with it.
            layers: names of layers whose outputs are kept in ``tensors``; None for all.
            fuse: whether batchnorm, add and activation are computed inside the convolution next to them where the
                result is the same.
            max_memory: bytes that the process may take; None for the machine's free memory.
            progress: called with (steps done, all steps, the next layer's name).

        Raises:
            CnncalcError: if an argument, the input or weights don't fit, or memory is too small.
        """
        from cnncalc.execution.arrays.read import named_arrays
        from cnncalc.execution.verify import run

        return run(
            self,
            x,
            weights=None if weights is None else named_arrays(weights),
            batch=given.whole("batch", batch),
            seed=given.seed(seed),
            dtype=None if dtype is None else given.dtype_name(dtype),
            threads=None if threads is None else given.workers("threads", threads),
            repeat=given.whole("repeat", repeat),
            layers=None if layers is None else given.texts("layers", layers),
            fuse=given.truth("fuse", fuse),
            max_memory=None if max_memory is None else given.whole("max_memory", max_memory),
            progress=progress,
        )

    def prepare(
        self,
        *,
        weights: Tensors | None = None,
        seed: SupportsIndex = 0,
        dtype: npt.DTypeLike = "float32",
        threads: SupportsIndex | None = None,
        fuse: bool = True,
        batch: SupportsIndex = 1,
    ) -> Session:
        """Prepare repeated inference: ``session = network.prepare(weights=w)``, then ``session(x)``.

        Args:
            weights: as in :meth:`run`.
            seed: of random weights.
            dtype: float32 or float64.
            threads: how many work; None for one per core that the process may use.
            fuse: whether several layers may be computed in one step where the result is the same.
            batch: number of samples to prepare for; the first call with another number prepares again.

        Raises:
            CnncalcError: if an argument or the weights don't fit.
        """
        from cnncalc.execution.arrays.read import named_arrays
        from cnncalc.execution.verify import prepare

        return prepare(
            self,
            weights=None if weights is None else named_arrays(weights),
            seed=given.seed(seed),
            dtype=given.dtype_name(dtype),
            threads=None if threads is None else given.workers("threads", threads),
            fuse=given.truth("fuse", fuse),
            batch=given.whole("batch", batch),
        )

    def deploy(
        self,
        *,
        board: str | None = None,
        core: str | None = None,
        quant: str = "int8",
        converter: str = "tf2.21",
        plan: str = "greedy",
        ram: SupportsIndex | None = None,
        flash: SupportsIndex | None = None,
    ) -> Deployment:
        """Return the memory of the network on a microcontroller: arena, RAM and flash, operator by operator.

        Args:
            board: a board's name, which gives core, RAM and flash.
            core: the kernels: reference, m0, m3, m4, m7, m33, m55, m85 or esp32;
                None for the board's, else reference.
            quant: number format: int8, int16x8 or float32.
            converter: the converter's rules: tf2.21, tf2.21-dense, tf2.3 or tf1.15.
            plan: plan of the arena: greedy, as on the device, or best.
            ram: available bytes; None for the board's.
            flash: available bytes; None for the board's.

        Raises:
            CnncalcError: for an unknown name, and for a layer that the runtime doesn't support.
        """
        from cnncalc.deployment.view import deploy, device

        on = device(
            given.text("quant", quant),
            None if core is None else given.text("core", core),
            None if board is None else given.text("board", board),
            given.text("converter", converter),
            given.text("plan", plan),
            None if ram is None else given.whole("ram", ram),
            None if flash is None else given.whole("flash", flash),
        )
        return deploy(self, on)

    def export(
        self,
        path: str | os.PathLike[str],
        format: str | None = None,
        *,
        weights: Tensors | None = None,
        seed: SupportsIndex | None = None,
        opset: SupportsIndex | None = None,
        overwrite: bool = False,
    ) -> None:
        """Write the network in another tool's format, or as a spec.

        Args:
            path: the file; for timeloop, a new folder.
            format: onnx, torch, scale-sim, timeloop or spec; None for the format of the file's suffix.
            weights: for onnx, as in :meth:`run`.
            seed: for onnx, of random weights.
            opset: for onnx, the version of the operator set; None for the default.
            overwrite: whether an existing spec or PyTorch source may be replaced; files of other formats always are.

        Raises:
            CnncalcError: if the format can't express the network, an argument or the weights don't fit, or the file
                can't be written.
        """
        from cnncalc.execution.arrays.read import named_arrays
        from cnncalc.exporters.formats import Options, chosen
        from cnncalc.ground.atomic_write import is_replaced

        target = given.path("path", path)
        name, how = chosen(target, None if format is None else given.text("format", format))
        for option, asked in (("weights", weights), ("seed", seed), ("opset", opset)):
            if asked is not None and option not in how.takes:
                raise ArgumentError(option, f"has no effect with the format {name}")
        if seed is not None and (weights is not None or self.model.tensors is not None):
            raise ArgumentError("seed", "is for random weights, but the network's are given")
        if how.edited and is_replaced(target) and not given.truth("overwrite", overwrite):
            raise CnncalcError(f"{target}: the file exists", "overwrite = True replaces it")
        options = Options(
            weights=None if weights is None else named_arrays(weights),
            seed=0 if seed is None else given.seed(seed),
            opset=None if opset is None else given.whole("opset", opset, 1, 999),
        )
        how.write(self, target, options)

    def __repr__(self) -> str:
        count, params = len(self.nodes), sum([node.params for node in self.nodes])
        return f"<Network {self.title}: {counted(count, 'layer')}, {counted(params, 'param')}>"


def load(
    spec: str | os.PathLike[str],
    variant: str | None = None,
    input: ShapeLike | Mapping[str, ShapeLike] | None = None,
    **settings: Setting,
) -> Network:
    """Return the network of a spec or of a model file.

    Args:
        spec: a path (of an ONNX model, too), or the name of a shipped network: ``"resnet50"``; a variant may follow a
            colon, ``"vgg:vgg19"``.
        variant: the variant of a family.
        input: another input shape, without the batch axis; a mapping if there are several inputs.
        settings: values for the spec's ``args``.

    Raises:
        CnncalcError: if there is no such spec, or it is wrong.
    """
    return _built(*open_recipe(spec, variant), input, settings)


def loads(
    text: str | bytes,
    variant: str | None = None,
    input: ShapeLike | Mapping[str, ShapeLike] | None = None,
    name: str = "<text>",
    **settings: Setting,
) -> Network:
    """Return the network of a spec's text; ``name`` is the text's name in messages, the rest is as in :func:`load`.

    Raises:
        CnncalcError: if the spec is wrong.
    """
    from cnncalc.language.loading import read_text

    data = text if isinstance(text, bytes) else given.text("text", text).encode("utf-8", "surrogatepass")
    if data.strip() and b":" not in data and b"\n" not in data:
        raise ArgumentError("text", f"{given.shown(text)} is not the text of a spec", "load() takes a path or a name")
    document = read_text(data, given.text("name", name))
    return _built(document, None if variant is None else given.text("variant", variant), input, settings)


def _built(
    recipe: Recipe,
    variant: str | None,
    input: ShapeLike | Mapping[str, ShapeLike] | None,
    settings: Mapping[str, Setting],
) -> Network:
    values = {name: given.value(name, one) for name, one in settings.items()}
    return Network.of(recipe.build(variant, values, given.shapes(input)))
