"""``cnncalc check`` through its entry point: tables, messages, exit codes, JUnit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from cnncalc.language import shipped
from cnncalc.language.findings import RULES
from tests.commands import Done, cnncalc

ROOT = Path(__file__).parents[2]

SPEC = """\
input: [3, 8, 8]
expect: {params: 28, macs: 972, output: [1, 6, 6]}
layers:
  - conv: {out_channels: 1, kernel_size: 3}
    expect: [1, 6, 6]
  - relu
"""


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


def check(*arguments: str) -> Done:
    return cnncalc("check", *arguments, columns=100)


def test_a_spec_that_holds(net: Path) -> None:
    done = check("net.yaml", "--max-params", "28", "--max-macs", "972", "--max-peak", "1KiB")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "network  params  MACs  weights   peak  checks  result\n"
        "-----------------------------------------------------\n"
        "net.yaml\n"
        "  net        28   972    112 B  912 B     7/7  ok\n"  # 4 · (3·8·8 + 6·6) bytes at the convolution
        "-----------------------------------------------------\n"
        "1 network: 1 ok\n"
    )


def test_a_published_figure_that_is_missed(net: Path) -> None:
    net.write_text(SPEC.replace("28", "27"), encoding="utf-8")
    done = check("net.yaml")
    assert done.code == 1
    assert "FAILED params" in done.out
    assert done.err == (
        "net.yaml:2:18: net: params should be 27, but is 28\n"
        "   2 | expect: {params: 27, macs: 972, output: [1, 6, 6]}\n"
        "     |                  ^\n"
        "  heaviest: conv1 28 (100.0 %)\n"
    )


def test_a_shape_that_is_missed(net: Path) -> None:
    net.write_text(SPEC.replace("    expect: [1, 6, 6]", "    expect: [1, 7, 7]"), encoding="utf-8")
    done = check("net.yaml")
    assert done.code == 1
    assert "net.yaml:5:13: net: the output of 'conv1' should be [1, 7, 7], but is [1, 6, 6]" in done.err


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        (("--max-params", "27"), "params = 28, over the bound of 27\n  heaviest: conv1 28 (100.0 %)"),
        (("--max-macs", "0.5k"), "macs = 972, over the bound of 500\n  heaviest: conv1 972 (100.0 %)"),
        (
            ("--max-flops", "1k"),
            "flops = 2,016, over the bound of 1,000\n  heaviest: conv1 1,980 (98.2 %), relu1 36 (1.8 %)",
        ),
        (("--max-weight-bytes", "100B"), "weight_bytes = 112 bytes, over the bound of 100 bytes"),
        (("--max-weights", "100B"), "weight_bytes = 112 bytes, over the bound of 100 bytes"),  # its old name
        (
            ("--max-peak", "0.5KiB"),
            "peak_bytes = 912 bytes, over the bound of 512 bytes\n  heaviest: input 768 (84.2 %), conv1 144",
        ),
        (("--max-layer-macs", "100"), "layer_macs = 972, over the bound of 100\n  heaviest: conv1 972\n"),
        (("--min-receptive-field", "4"), "receptive_field = 3, under the bound of 4\n"),
    ],
)
def test_budgets(net: Path, budget: tuple[str, str], text: str) -> None:
    done = check("net.yaml", *budget)
    assert done.code == 1
    assert done.err.startswith("net.yaml: net: " + text)


def test_budgets_count_for_a_batch_and_a_type(net: Path) -> None:
    assert check("net.yaml", "--max-weights", "28", "--dtype", "int8").code == 0
    assert check("net.yaml", "--max-macs", "1943", "--batch", "2").code == 1
    # published figures are for one sample, whatever the batch
    assert check("net.yaml", "--max-macs", "1944", "--batch", "2").code == 0


def test_under_other_inputs_published_figures_are_not_checked(net: Path) -> None:
    assert check("net.yaml", "--input", "3x9x9").code == 0
    assert check("net.yaml", "--input", "3x9x9", "--max-macs", "1000").code == 1


def test_a_network_of_which_nothing_is_checked_is_named(net: Path) -> None:
    net.write_text(SPEC.replace("expect:", "# expect:"), encoding="utf-8")
    done = check("net.yaml")
    assert (done.code, done.err) == (0, "note: no figure of net is checked: give a bound, such as --max-params 5M\n")
    assert "  net        28   972    112 B  912 B    none  ok\n" in done.out
    assert check("net.yaml", "net.yaml", "lenet5").err.startswith("note: no figure of 2 networks is checked: ")
    assert check("net.yaml", "--max-params", "28").err == ""


def test_warnings_fail_only_when_strict(net: Path) -> None:
    net.write_text(SPEC + "  - relu\n", encoding="utf-8")
    done = check("net.yaml")
    assert done.code == 0
    assert "ok, 1 warning" in done.out
    assert "net.yaml:7:5: warning: relu 'relu2' is idle after 'relu1' [repeated-relu]\n   7 |   - relu\n" in done.err
    strict = check("net.yaml", "--strict")
    assert strict.code == 1
    assert "FAILED repeated-relu" in strict.out
    allowed = check("net.yaml", "--strict", "--allow", "repeated-relu")
    assert (allowed.code, allowed.err) == (0, "")


def test_a_broken_spec_does_not_keep_others_from_being_checked(net: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("input: [3, 8, 8]\nlayers: [conv]\n", encoding="utf-8")
    done = check("bad.yaml", "missing.yaml", "net.yaml")
    assert done.code == 2
    assert "bad.yaml:2:10: conv: 'out_channels', 'kernel_size' are missing" in done.err
    assert "missing.yaml: no such file" in done.err
    assert "3 networks: 1 ok, 2 can't be built" in done.out


def test_a_fault_of_every_variant_is_reported_once() -> None:
    done = check("specs/vgg.yaml", "--set", "classes=none")
    assert done.code == 2
    assert "8 networks: 0 ok, 8 can't be built" in done.out
    assert done.err == "--set classes: 'none' is a text, but the spec has 1000\n"
    assert (
        check("specs/vgg.yaml", "--set", "classes=0").err.count("out_features must be a positive integer, not 0") == 1
    )


def test_every_variant_is_checked_and_the_document_if_no_variant_equals_it(tmp_path: Path) -> None:
    path = tmp_path / "family.yaml"
    text = "args: {c: 1}\nvariants: {wide: {args: {c: 2}}%s}\ninput: [1, 4, 4]\nlayers: [{conv: {out_channels: c, kernel_size: 1}}]\n"
    path.write_text(text % "", encoding="utf-8")
    assert [one["name"] for one in networks(check(str(path), "--format", "json"))] == ["family", "wide"]
    path.write_text(text % ", usual: {args: {c: 1}}", encoding="utf-8")
    assert [one["name"] for one in networks(check(str(path), "--format", "json"))] == ["wide", "usual"]
    assert [one["name"] for one in networks(check(f"{path}:usual", "--format", "json"))] == ["usual"]


def test_a_variant_with_named_inputs_equals_the_document_if_their_order_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "family.yaml"
    text = "input: {a: [1, 4, 4], b: [1, 4, 4]}\nvariants: {other: {input: {%s}}}\nlayers: [{add: {}, from: [a, b]}]\n"
    found = []
    for inputs in ("a: [1, 4, 4], b: [1, 4, 4]", "b: [1, 4, 4], a: [1, 4, 4]", "a: [1, 4, 4], b: [1, 1, 1]"):
        path.write_text(text % inputs, encoding="utf-8")
        found.append([one["name"] for one in networks(check(str(path), "--format", "json"))])
    assert found == [["other"], ["family", "other"], ["family", "other"]]


def networks(done: Done) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(done.out)["networks"]
    return found


def test_json(net: Path) -> None:
    (one,) = networks(check("net.yaml", "--max-params", "27", "--format", "json"))
    assert (one["spec"], one["name"], one["result"], one["failed"]) == ("net.yaml", "net", "failed", ["params"])
    assert (one["params"], one["macs"], one["weight_bytes"], one["peak_bytes"]) == (28, 972, 112, 912)
    assert (one["weights"], one["peak"]) == (112, 912)  # their old names
    assert one["checks"][-1] == {  # type: ignore[index]
        "figure": "params",
        "what": "params",
        "relation": "≤",
        "bound": 27,
        "actual": 28,
        "holds": False,
        "heaviest": [{"name": "conv1", "figure": 28}],
        "place": None,
    }


def test_a_shipped_network_is_named_once() -> None:
    assert check("alexnet", "--max-params", "5M").err.startswith("alexnet: params = 61,100,840, over the bound")


def test_csv_has_one_line_per_network(net: Path) -> None:
    done = check("net.yaml", "vgg16", "--max-params", "1M", "--format", "csv")
    assert done.out.splitlines() == [
        "spec,name,params,macs,weight_bytes,peak_bytes,result,failed,warned,weights,peak",
        "net.yaml,net,28,972,112,912,ok,,,112,912",
        "vgg16,vgg16,138357544,15470264320,553430176,25690112,failed,params,,553430176,25690112",
    ]
    net.write_text(SPEC + "  - relu\n", encoding="utf-8")
    assert check("net.yaml", "--format", "csv").out.splitlines()[1].endswith(",ok,,repeated-relu,112,912")


def test_junit(net: Path, tmp_path: Path) -> None:
    net.write_text(SPEC.replace("28", "27") + "  - relu # <&>\n", encoding="utf-8")
    (tmp_path / "bad.yaml").write_text("layers: [\x07]", encoding="utf-8")
    done = check("net.yaml", "bad.yaml", "--strict", "--format", "junit", "-o", "report.xml")
    assert (done.code, done.out) == (2, "")
    root = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert root.attrib == {"name": "cnncalc check", "tests": "7", "failures": "2", "errors": "1", "skipped": "0"}
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {
        "net builds": [],
        "net params": ["failure"],
        "net macs": [],
        "net output": [],
        "net shapes": [],
        "net repeated-relu": ["failure"],
        "bad.yaml builds": ["error"],
    }
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "net.yaml:2:18: net: params should be 27, but is 28"
    assert "heaviest: conv1 28" in (failure.text or "")


def test_names_in_junit_are_unique(tmp_path: Path) -> None:
    """A published figure and a budget have the same name, and two layers break the same rule."""
    relus = tmp_path / "relus.yaml"
    relus.write_text("input: [3, 8, 8]\nlayers:\n  - relu\n  - relu\n  - flatten\n  - linear: 2\n  - relu\n  - relu\n")
    done = check("lenet5", str(relus), "--max-params", "1M", "--strict", "--format", "junit")
    cases = [case.attrib["name"] for case in ElementTree.fromstring(done.out).iter("testcase")]
    assert {"lenet5 params", "lenet5 max-params", "relus repeated-relu"} <= set(cases)
    assert len(cases) == len(set(cases))
    assert done.out.count("repeated-relu]") >= 2


def test_a_spec_from_standard_input() -> None:
    assert cnncalc("check", "-", stdin=SPEC).code == 0


@pytest.mark.parametrize("budget", ["5X", "", "4MiB"])
def test_a_budget_that_is_not_a_number_is_a_wrong_command_line(budget: str) -> None:
    done = check("alexnet", "--max-params", budget)
    assert done.code == 2
    assert done.err.startswith(f"--max-params {budget}")


def test_help_names_every_rule() -> None:
    text = re.sub(r"-\s+", "-", check("--help").out)
    assert all(rule in text for rule in RULES)


def test_all_shipped_specs_hold() -> None:
    paths = sorted(str(path) for path in (ROOT / "specs").glob("*.yaml"))
    done = check(*paths, "--format", "ndjson")
    results = [json.loads(line) for line in done.out.splitlines()]
    assert [one["name"] for one in results if one["result"] != "ok"] == []
    checked = {one["name"]: {check["what"] for check in one["checks"]} for one in results}
    assert [name for name, _, _ in shipped.networks() if not checked[name] >= {"params", "macs"}] == []
    assert done.code == 0


def test_the_pre_commit_hook_runs_an_existing_command() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    program, *words = hook["entry"].split()
    assert program == "cnncalc"
    assert cnncalc(*words, "alexnet").code == 0
