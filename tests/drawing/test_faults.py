"""A network with a fault is drawn up to the fault, where the message stands."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.commands import cnncalc

MISFIT = """
name: faulty
input: [3, 32, 32]
layers:
  - conv: {out_channels: 16, kernel_size: 3, padding: 1}
  - maxpool: 2
    name: half
  - add:
    from: [conv1, half]
  - relu
"""
MESSAGE = "add 'add1': input 1 is [16, 32, 32], but input 2 is [16, 16, 16]"


@pytest.mark.parametrize("form", ["svg", "html", "mermaid", "dot"])
def test_a_layer_that_does_not_fit_is_drawn(form: str) -> None:
    done = cnncalc("draw", "-", "--format", form, stdin=MISFIT)
    assert done.code == 2
    assert f"<stdin>:8:5: {MESSAGE}" in done.err
    assert "conv 3×3, 16" in done.out
    assert "add1" in done.out
    assert "relu1" not in done.out  # layers after the fault have no shapes


def test_the_message_stands_at_the_fault() -> None:
    root = ElementTree.fromstring(cnncalc("draw", "-", stdin=MISFIT).out)
    texts = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert MESSAGE in " ".join(texts)
    faults = [rect for rect in root.iter("{http://www.w3.org/2000/svg}rect") if rect.get("class") == "fault"]
    assert len(faults) >= 2  # its name, and its message in one line or more


def test_a_fault_without_a_layer_stands_after_the_last_layer() -> None:
    done = cnncalc("draw", "-", stdin=MISFIT.replace("[conv1, half]", "[conv1, halb]"))
    assert done.code == 2
    assert "halb" in done.err
    assert 'class="fault"' in done.out


def test_a_fault_before_the_first_layer_is_only_printed() -> None:
    done = cnncalc("draw", "-", stdin=MISFIT.replace("kernel_size: 3", "kernel_size: 40"))
    assert (done.code, done.out) == (2, "")


def test_the_page_of_a_summary() -> None:
    done = cnncalc("summary", "lenet5", "--format", "html")
    assert done.code == 0
    assert done.out.startswith("<!doctype html>")
    assert "LeNet" in done.out or "lenet5" in done.out
    refused = cnncalc("summary", "lenet5", "--format", "html", "--top", "3")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "--top is for tables\n  hint: the page has its own sorting and folding\n"


def test_the_page_counts_by_the_convention_asked_for() -> None:
    """VGG-16 has 15,470,264,320 MACs; what fvcore counts is another figure."""
    own, other = (
        cnncalc("summary", "vgg16", "--format", "html", "--convention", one).out for one in ("macs", "fvcore")
    )
    assert "<b>15,470,264,320</b> MACs" in own
    assert "<b>15,470,264,320</b> MACs" not in other
    assert "Counted as fvcore" in other


DEVICE = """
name: small
input: [1, 16, 16]
deploy: {quant: int8}
layers:
  - conv: {out_channels: 8, kernel_size: 3}
  - relu
  - flatten
  - linear: 4
"""


def test_the_page_has_the_arena_of_the_device_that_a_spec_speaks_of() -> None:
    for command in ("draw", "summary"):
        assert "<h2>Arena over time</h2>" in cnncalc(command, "-", "--format", "html", stdin=DEVICE).out
        without = cnncalc(command, "-", "--format", "html", stdin=DEVICE.replace("deploy: {quant: int8}\n", "")).out
        assert "Arena" not in without
