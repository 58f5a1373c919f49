"""``--convention`` of summary and explain: named in every output, and explained in one table."""

from __future__ import annotations

import csv
import json

import pytest

from tests.commands import cnncalc


def test_json_names_the_convention_and_has_its_figures() -> None:
    document = json.loads(cnncalc("summary", "resnet50", "--convention", "fvcore", "--format", "json").out)
    assert document["convention"] == "fvcore"
    assert document["totals"]["macs"] == sum(layer["macs"] for layer in document["layers"]) == 4_111_512_576
    assert document["totals"]["flops"] == 4_111_512_576  # fvcore's own word for it
    assert document["kinds"]["norm"]["macs"] == 2 * 11_113_984


def test_other_words_leave_flops_alone() -> None:
    document = json.loads(cnncalc("summary", "alexnet", "--convention", "thop", "--format", "json").out)
    own = json.loads(cnncalc("summary", "alexnet", "--format", "json").out)
    assert own["convention"] == "macs"
    assert document["totals"]["macs"] == 714_206_912
    assert document["totals"]["flops"] == own["totals"]["flops"]


@pytest.mark.parametrize(
    ("tool", "title", "total"),
    [
        ("torchinfo", "mult-adds (torchinfo)", "4,089,238,376"),
        ("fvcore", "FLOPs (fvcore)", "4,111,512,576"),
        ("ptflops", "MACs (ptflops)", "4,089,185,256"),
        ("thop", "MACs (thop)", "4,133,742,592"),
        ("calflops", "FLOPs (calflops)", "8,211,108,352"),
    ],
)
def test_the_page_names_the_tool(tool: str, title: str, total: str) -> None:
    page = cnncalc("summary", "resnet50", "--convention", tool, "--depth", "1", columns=80).out
    assert page.count(title) == 2  # one heading is over the layers, one over the kinds
    assert f"convention {tool}" in page.splitlines()[0]
    assert total in page
    assert f"Counted as {tool} " in page
    assert max(len(line) for line in page.splitlines()) <= 80


def test_explained_in_one_table() -> None:
    page = cnncalc("explain", "mobilenet_v2", "--convention", columns=100).out
    assert "cnncalc MACs                 300,774,272" in page
    assert "thop MACs                    327,486,720   +26,712,448" in page
    assert "batchnorm              52   26,712,448   +26,712,448  4 per element" in page
    assert "https://github.com/facebookresearch/fvcore" in page


def test_in_a_narrow_window_the_rules_stand_below_the_figures() -> None:
    page = cnncalc("explain", "mobilenet_v2", "--convention", columns=80).out
    assert "batchnorm              52   26,712,448   +26,712,448\n    4 per element" in page
    assert max(map(len, page.split("Each line under a tool")[0].splitlines())) <= 80


def test_explained_as_records() -> None:
    rows = list(csv.DictReader(cnncalc("explain", "alexnet", "--convention", "--format", "csv").out.splitlines()))
    for tool in ("torchinfo", "fvcore", "ptflops", "thop", "calflops"):
        total, *parts = [row for row in rows if row["tool"] == tool]
        assert total["type"] == "total"
        assert int(total["counted"]) - 714_188_480 == sum(int(part["difference"]) for part in parts)
    document = json.loads(cnncalc("explain", "alexnet", "--convention", "--format", "json").out)
    assert [tool["total"] for tool in document["tools"]] == [
        714_682_664, 714_197_696, 714_682_664, 714_206_912, 1_429_741_184,
    ]  # fmt: skip


def test_layers_beside_the_table_are_refused() -> None:
    done = cnncalc("explain", "alexnet", "conv1", "--convention")
    assert (done.code, done.out) == (2, "")
    assert "cnncalc summary --convention" in done.err


def test_compare_counts_as_the_tool_does() -> None:
    # the totals that thop 0.1.1 prints for torchvision's models
    page = cnncalc("compare", "resnet18", "vgg11_bn", "--convention", "thop", columns=100).out
    assert "MACs (thop)" in page
    assert "1,824,033,792" in page
    assert "7,638,844,416" in page
