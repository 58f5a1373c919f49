"""The public ``Network`` with summary(), run() and prepare(), and load() and loads().  No other room imports it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cnncalc.graph import Graph, Unmet
from cnncalc.ground.numbers import counted
from cnncalc.importers import begins_a_model

if TYPE_CHECKING:
    from cnncalc.deployment.view import Deployment
    from cnncalc.execution.session import Session
    from cnncalc.execution.verify import Run
    from cnncalc.figures.summary import Summary
    from cnncalc.language.document import Document
    from cnncalc.layers.shapes import Shape


class Network(Graph):
    """A graph in which every shape is known, with what is usually asked of it."""

    @classmethod
    def of(cls, graph: Graph) -> Network:
        """Return a network of a finished graph's inputs, nodes and outputs, which it shares."""
        network = cls.__new__(cls)
        network.__dict__.update(graph.__dict__)
        return network

    @property
    def unmet(self) -> list[Unmet]:
        """What the spec states of the network and the network does not have."""
        from cnncalc.figures.expectations import unmet

        return unmet(self)

    def summary(self, **options: Any) -> Summary:
        """Return every figure of the network, which prints as a table; options as of ``figures.summary.summarize``."""
        from cnncalc.figures.summary import summarize
        from cnncalc.rendering.printed import PrintedSummary

        return PrintedSummary.of(self, summarize(self, **options))

    def _repr_html_(self) -> str:
        """Return the network as a notebook shows it."""
        from cnncalc.drawing.notebook import html
        from cnncalc.figures.summary import summarize

        return html(self, summarize(self))

    def run(self, *args: Any, **options: Any) -> Run:
        """Run the network on real tensors; arguments as :func:`cnncalc.execution.verify.run` takes them."""
        from cnncalc.execution.verify import run

        return run(self, *args, **options)

    def prepare(self, **options: Any) -> Session:
        """Prepare repeated inference; options as :func:`cnncalc.execution.verify.prepare` takes them.

        ``session = network.prepare(weights=w)``, then ``session(x)``.
        """
        from cnncalc.execution.verify import prepare

        return prepare(self, **options)

    def deploy(self, **options: Any) -> Deployment:
        """Return what it takes on a microcontroller; options as :func:`cnncalc.deployment.view.device` takes them."""
        from cnncalc.deployment.view import deploy, device

        return deploy(self, device(**options))

    def __repr__(self) -> str:
        count, params = len(self.nodes), sum([node.params for node in self.nodes])
        return f"<Network {self.title}: {counted(count, 'layer')}, {counted(params, 'param')}>"


def load(
    spec: str | os.PathLike[str],
    variant: str | None = None,
    input: Shape | Mapping[str, Shape] | None = None,
    **settings: Any,
) -> Network:
    """Return the network of a spec or of a model file.

    Args:
        spec: a path (of an ONNX model, too), or the name of a spec that ships (``"resnet50"``).
        variant: the variant of a family.
        input: another input shape, without the batch axis; a mapping where there are several inputs.
        settings: values for the spec's ``args``.

    Raises:
        CnncalcError: where there is no such spec, or it is wrong.
    """
    from cnncalc.language.loading import open_document

    path = os.fspath(spec)
    if os.path.isfile(path):
        with open(path, "rb") as file:
            start = file.read(1)
        if begins_a_model(start):
            from cnncalc.importers.onnx.load import read_model_file

            return Network.of(read_model_file(path).build(variant, settings, _shapes(input)))
    document, named = open_document(path)
    return _built(document, variant or named, input, settings)


def loads(
    text: str | bytes,
    variant: str | None = None,
    input: Shape | Mapping[str, Shape] | None = None,
    name: str = "<text>",
    **settings: Any,
) -> Network:
    """Return the network of a spec's text; ``name`` is what messages call the text, the rest is as in :func:`load`.

    Raises:
        CnncalcError: where the spec is wrong.
    """
    from cnncalc.language.loading import read_text

    return _built(read_text(text.encode() if isinstance(text, str) else text, name), variant, input, settings)


def _built(
    document: Document, variant: str | None, input: Shape | Mapping[str, Shape] | None, settings: Mapping[str, Any]
) -> Network:
    values = {name: _frozen(value) for name, value in settings.items()}
    return Network.of(document.build(variant, values, _shapes(input)))


def _shapes(input: Shape | Mapping[str, Shape] | None) -> dict[str, Shape]:
    """Return shapes by input; one alone is the only input's."""
    inputs = input if isinstance(input, Mapping) else {"": input} if input is not None else {}
    return {name: tuple(shape) for name, shape in inputs.items()}


def _frozen(value: Any) -> Any:
    """Return a value with its lists as tuples, as expressions have them."""
    return tuple([_frozen(item) for item in value]) if isinstance(value, (list, tuple)) else value
