"""``cnncalc specs``, ``show`` and ``survey``: the networks that ship."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from cnncalc.language.shipped import networks
from tests.commands import cnncalc

DATA = Path(__file__).parents[1] / "data" / "torchvision.csv"


def test_specs_lists_every_network_with_its_figures() -> None:
    rows = list(csv.DictReader(io.StringIO(cnncalc("specs", "--format", "csv").out)))
    assert [row["name"] for row in rows] == [name for name, _, _ in networks()]
    assert len(rows) >= 100
    assert all(row["family"] and row["year"] and row["input"] for row in rows)
    by_name = {row["name"]: row for row in rows}
    with DATA.open(encoding="utf-8", newline="") as file:
        for published in csv.DictReader(file):
            if published["input"] == by_name[published["model"]]["input"]:
                assert by_name[published["model"]]["macs"] == published["macs"]


def test_specs_searches_for_all_words() -> None:
    found = json.loads(cnncalc("specs", "mobilenet", "2019", "--format", "json").out)["specs"]
    assert {one["family"] for one in found} >= {"MobileNetV3"}
    assert all("mobilenet" in one["name"] and one["year"] == 2019 for one in found)
    by_source = json.loads(cnncalc("specs", "1512.03385", "resnet50", "--format", "json").out)["specs"]
    assert [one["name"] for one in by_source] == ["resnet50"]
    assert by_source[0]["params"] == 25_557_032  # torchvision's card
    assert by_source[0]["input"] == [3, 224, 224]


def test_specs_finds_words_by_their_beginning() -> None:
    """``lenet`` does not find every MobileNet and GoogLeNet; a part of a word counts only if no word begins with it."""
    lines = cnncalc("specs", "lenet", "--format", "tsv").out.splitlines()
    assert [line.split("\t")[0] for line in lines[1:]] == ["lenet5", "lenet5_1998"]
    assert "inception_v3" in cnncalc("specs", "ception").out
    done = cnncalc("specs", "vit")
    hint = "for other networks use an .onnx file: cnncalc summary model.onnx"
    assert (done.code, done.err) == (2, f"no shipped network matches 'vit'\n  hint: {hint}\n")


def test_specs_sorted() -> None:
    figures = [
        json.loads(line)["macs"]
        for line in cnncalc("specs", "vgg", "--sort", "macs", "--format", "ndjson").out.splitlines()
    ]
    assert figures == sorted(figures)
    years = cnncalc("specs", "--sort", "year", "--format", "tsv").out.splitlines()
    assert years[1].startswith("lenet5\tLeNet-5\t1998\t1x32x32\t61706\t416520")


def test_specs_as_a_table_fits_80_columns() -> None:
    out = cnncalc("specs", columns=80).out
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "AlexNet (one tower)\n  alexnet " in out
    assert out.splitlines()[-1] == f"{len(networks())} networks in {len({path for _, path, _ in networks()})} files"


def test_specs_without_a_match_suggests() -> None:
    done = cnncalc("specs", "resnet5O")
    assert (done.code, done.out) == (2, "")
    assert done.err == "no shipped network matches 'resnet5O'\n  hint: did you mean 'resnet50'?\n"


def test_show_prints_the_file(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "specs" / "alexnet.yaml"
    done = cnncalc("show", "alexnet")
    assert (done.out, done.err) == (shipped.read_text(encoding="utf-8"), "")
    copy = tmp_path / "mine.yaml"
    assert cnncalc("show", "alexnet", "-o", str(copy)).out == ""
    assert cnncalc("summary", str(copy), "--format", "tsv").out == cnncalc("summary", "alexnet", "--format", "tsv").out


def test_show_says_how_to_ask_for_the_variant() -> None:
    done = cnncalc("show", "resnet18")
    assert done.out.startswith("name: ResNet\n")
    assert done.err.endswith("--variant resnet18\n")
    assert cnncalc("summary", "-", "--variant", "resnet18", stdin=done.out).code == 0


def test_show_of_an_unknown_network() -> None:
    done = cnncalc("show", "resnet5O")
    assert (done.code, done.out) == (2, "")
    assert "did you mean 'resnet50'?" in done.err


def test_survey_of_some() -> None:
    """The claim holds for VGG; ResNet has one small fully connected layer (2048·1000 + 1000 of 25,557,032 params)."""
    done = cnncalc("survey", "resnet50", "vgg16", columns=80)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[5:7] == [
        "2014  vgg16           99.2 %        89.4 %  holds",
        "2015  resnet50        99.9 %         8.0 %  no",
    ]
    assert "It holds in 1 of 2 networks" in done.out
    assert max(len(line) for line in done.out.splitlines()) <= 80


def test_survey_of_all_is_sorted_by_year_and_counts() -> None:
    document = json.loads(cnncalc("survey", "--format", "json").out)
    years = [one["year"] for one in document["networks"]]
    assert years == sorted(years)
    assert sum(one["holds"] for one in document["networks"]) == document["periods"]["all"]["hold"]
    early, late = document["periods"]["until_2014"], document["periods"]["after_2014"]
    assert early["networks"] + late["networks"] == len(years)
    assert early["hold"] / early["networks"] > 0.5 > late["hold"] / late["networks"]
    assert early["fc_params_share"] > 0.5 > late["fc_params_share"]
    names = {one["name"] for one in document["networks"]}
    assert "textbook_one_filter" not in names  # a single layer
    assert {"alexnet", "textbook_convnet"} <= names


def test_survey_takes_files_and_line_formats(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "input: [1, 4, 4]\nlayers:\n  - conv: {out_channels: 1, kernel_size: 1}\n  - flatten\n  - linear: 10\n"
    )
    (row,) = csv.DictReader(io.StringIO(cnncalc("survey", str(path), "--format", "csv").out))
    assert (row["name"], row["year"], row["params"], row["macs"]) == ("net", "", "172", "176")
    assert float(row["fc_params_share"]) == 170 / 172
