"""Figures of shipped networks that papers and authors published, or that other implementations measured."""

from __future__ import annotations

import csv
from collections import Counter
from functools import cache
from math import prod
from pathlib import Path

import pytest

import cnncalc
from cnncalc.language import shipped
from cnncalc.language.loading import open_document
from cnncalc.network import Network

DATA = Path(__file__).parent.parent / "data" / "classics.csv"
with DATA.open(encoding="utf-8", newline="") as file:
    MEASURED = list(csv.DictReader(file))
NAMES = [name for name, _, _ in shipped.networks()]

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}

SLIM_V1 = "TF-slim, research/slim/nets/mobilenet_v1.md"
SLIM_V3 = "TF-slim, research/slim/nets/mobilenet/README.md"
DARKNET = "size of the authors' weight file, (bytes - header) / 4: the floats, running statistics included"
CFG = "darknet's BFLOPs: two for a multiply-add"
KERAS = "Keras' total of MLPerf Tiny's model, running statistics included"
CARD = "torchvision's model card"
TIMM = "timm's results table"

# (network, figure, as printed, source); `stored` is params and buffers, `operations` 2 · macs
EXACT = [
    ("lenet5_1998", "params", 60_000, "LeCun et al. 1998, section II.B: trainable free parameters"),
    ("alexnet_2012", "params", 60_965_224, "Caffe's bvlc_alexnet"),
    ("caffenet", "params", 60_965_224, "Caffe's bvlc_reference_caffenet"),
    ("zfnet", "params", 62_357_608, "sum of the table 14,208 + 614,656 + … + 4,097,000, as textbooks print it"),
    ("vgg_face", "params", 145_002_878, "Keras port of VGG-Face, model.summary()"),
    ("xception", "params", 22_855_952, "Chollet 2016, Table 3"),
    ("unet_3d", "params", 19_069_955, "Çiçek et al. 2016, section 2"),
    ("eegnet_4_2", "params", 1_066, "Lawhern et al. 2018, Table 3, P300"),
    ("eegnet_8_2", "params", 2_258, "Lawhern et al. 2018, Table 3, P300"),
    ("darknet53", "params", 41_609_928, "imgclsmob, darknet53"),
    ("yolov2", "stored", (203_934_260 - 16) // 4, DARKNET),
    ("yolov4", "stored", (257_717_640 - 20) // 4, DARKNET),
    ("yolov4_tiny", "stored", (24_251_276 - 20) // 4, DARKNET),
    ("yolov3", "stored", (248_007_048 - 20) // 4, DARKNET),
    ("yolov3_spp", "stored", (252_209_544 - 20) // 4, DARKNET),
    ("yolov3_tiny", "stored", (35_434_956 - 20) // 4, DARKNET),
    ("yolov2_tiny", "stored", (44_948_596 - 16) // 4, DARKNET),
    ("yolov2_tiny_voc", "stored", (63_471_556 - 16) // 4, DARKNET),
    ("ds_cnn", "stored", 24_908, KERAS),
    ("resnet8", "stored", 78_666, KERAS),
    ("vww_mobilenet_v1_0.25_96", "stored", 221_794, KERAS),
    ("toyadmos_autoencoder", "stored", 269_992, KERAS),
    ("se_resnet50", "params", 28_088_024, "imgclsmob, SE-ResNet-50"),
    ("se_resnet101", "params", 49_326_872, "imgclsmob, SE-ResNet-101"),
    ("se_resnet152", "params", 66_821_848, "imgclsmob, SE-ResNet-152"),
    ("se_resnext50_32x4d", "params", 27_559_896, "imgclsmob, SE-ResNeXt-50 (32x4d)"),
    ("se_resnext101_32x4d", "params", 48_955_416, "imgclsmob, SE-ResNeXt-101 (32x4d)"),
    ("r3d_18", "params", 33_371_472, CARD),
    ("mc3_18", "params", 11_695_440, CARD),
    ("r2plus1d_18", "params", 31_505_325, CARD),
    ("fcn_resnet50", "params", 35_322_218, CARD),
    ("fcn_resnet101", "params", 54_314_346, CARD),
    ("deeplabv3_resnet50", "params", 42_004_074, CARD),
    ("deeplabv3_resnet101", "params", 60_996_202, CARD),
    ("dcgan_generator", "params", 3_576_704, "PyTorch's dcgan example"),
    ("dcgan_discriminator", "params", 2_765_568, "PyTorch's dcgan example"),
    ("srcnn_9_1_5", "weights", 8_032, "Dong et al. 2015, section 4.3.2"),
    ("srcnn_9_3_5", "weights", 24_416, "Dong et al. 2015, section 4.3.2"),
    ("srcnn_9_5_5", "weights", 57_184, "Dong et al. 2015, section 4.3.2"),
    ("fsrcnn", "weights", 12_464, "Dong et al. 2016, FSRCNN (56, 12, 4)"),
]
ROUNDED = [
    ("alexnet_2012", "params", "61 M", "Caffe; the paper says 60 million"),
    ("alexnet_2012", "macs", "724 M", "Netscope and others, of CaffeNet"),
    ("pilotnet", "macs", "27 M", "Bojarski et al. 2016: about 27 million connections"),
    ("pilotnet", "params", "0.25 M", "Bojarski et al. 2016: 250 thousand parameters"),
    ("inception_v4", "params", "42.68 M", TIMM),
    ("inception_resnet_v2", "params", "55.84 M", TIMM),
    ("mobilenet_v1_1.0_224", "macs", "569 M", SLIM_V1),
    ("mobilenet_v1_1.0_192", "macs", "418 M", SLIM_V1),
    ("mobilenet_v1_1.0_160", "macs", "291 M", SLIM_V1),
    ("mobilenet_v1_1.0_128", "macs", "186 M", SLIM_V1),
    ("mobilenet_v1_0.5_192", "macs", "110 M", SLIM_V1),
    ("mobilenet_v1_0.5_160", "macs", "77 M", SLIM_V1),
    ("mobilenet_v1_0.5_128", "macs", "49 M", SLIM_V1),
    ("mobilenet_v1_0.25_224", "macs", "41 M", SLIM_V1),
    ("mobilenet_v1_0.25_160", "macs", "21 M", SLIM_V1),
    ("mobilenet_v1_0.25_128", "macs", "14 M", SLIM_V1),
    ("mobilenet_v1_1.0_224", "params", "4.2 M", "Howard et al. 2017, Table 8"),
    ("mobilenet_v1_0.75_224", "params", "2.59 M", SLIM_V1),
    ("mobilenet_v1_0.5_224", "params", "1.3 M", "Howard et al. 2017, Table 6"),
    ("mobilenet_v1_0.25_224", "params", "0.47 M", SLIM_V1),
    ("mobilenet_v1_0.75_224", "macs", "325 M", "Howard et al. 2017, Table 6"),
    ("mobilenet_v1_0.5_224", "macs", "149 M", "Howard et al. 2017, Table 6"),
    ("mobilenet_v3_large_0.75", "params", "4.0 M", SLIM_V3),
    ("mobilenet_v3_large_0.75", "macs", "155 M", SLIM_V3),
    ("mobilenet_v3_large_minimalistic", "params", "3.9 M", SLIM_V3),
    ("mobilenet_v3_large_minimalistic", "macs", "209 M", SLIM_V3),
    ("mobilenet_v3_small_minimalistic", "params", "2.0 M", SLIM_V3),
    ("cifar_resnet20", "params", "0.27 M", "He et al. 2015, Table 6"),
    ("cifar_resnet32", "params", "0.46 M", "He et al. 2015, Table 6"),
    ("cifar_resnet44", "params", "0.66 M", "He et al. 2015, Table 6"),
    ("cifar_resnet56", "params", "0.85 M", "He et al. 2015, Table 6"),
    ("cifar_resnet110", "params", "1.7 M", "He et al. 2015, Table 6"),
    ("preact_resnet110", "params", "1.7 M", "Zagoruyko and Komodakis 2016, Table 5"),
    ("preact_resnet164", "params", "1.7 M", "Zagoruyko and Komodakis 2016, Table 5"),
    ("wrn_40_1", "params", "0.6 M", "Zagoruyko and Komodakis 2016, Table 4"),
    ("wrn_40_2", "params", "2.2 M", "Zagoruyko and Komodakis 2016, Table 4"),
    ("wrn_40_4", "params", "8.9 M", "Zagoruyko and Komodakis 2016, Table 4"),
    ("wrn_16_8", "params", "11.0 M", "Zagoruyko and Komodakis 2016, Table 4"),
    ("wrn_16_10", "params", "17.1 M", "Zagoruyko and Komodakis 2016, Table 4"),
    ("wrn_22_8", "params", "17.2 M", "Zagoruyko and Komodakis 2016, Table 4"),
    ("wrn_40_8", "params", "35.7 M", "Zagoruyko and Komodakis 2016, Table 4"),
    ("wrn_28_10", "params", "36.5 M", "Zagoruyko and Komodakis 2016, Table 4"),
    ("densenet_40_12", "params", "1.0 M", "Huang et al. 2016, Table 2"),
    ("densenet_100_12", "params", "7.0 M", "Huang et al. 2016, Table 2"),
    ("densenet_100_24", "params", "27.2 M", "Huang et al. 2016, Table 2"),
    ("densenet_bc_100_12", "params", "0.8 M", "Huang et al. 2016, Table 2"),
    ("densenet_bc_250_24", "params", "15.3 M", "Huang et al. 2016, Table 2"),
    ("densenet_bc_190_40", "params", "25.6 M", "Huang et al. 2016, Table 2"),
    ("darknet19", "operations", "5.58 G", "Redmon and Farhadi 2016, section 3"),
    ("darknet53", "operations", "18.57 G", CFG),
    ("yolov3_320", "operations", "38.97 G", CFG),
    ("yolov3", "operations", "65.86 G", CFG),
    ("yolov3_608", "operations", "140.69 G", CFG),
    ("yolov3_spp", "operations", "141.45 G", CFG),
    ("yolov2", "operations", "62.94 G", CFG),
    ("yolov4_tiny", "operations", "6.91 G", CFG),
    ("yolov2_tiny", "operations", "5.41 G", CFG),
    ("fcn8s", "params", "134 M", "Long et al. 2014, Table 1"),
    ("ds_cnn", "macs", "2.7 M", "Zhang et al. 2017, Table 6: 5.4 M operations of DS-CNN-S"),
    ("resnet8", "macs", "12.5 M", "MLPerf Tiny, image classification"),
    ("m11", "params", "1.8 M", "Dai et al. 2016, Table 1"),
    ("m18", "params", "3.7 M", "Dai et al. 2016, Table 1"),
    ("ghostnet", "params", "5.2 M", "Han et al. 2019, Table 7"),
    ("ghostnet", "macs", "141 M", "Han et al. 2019, Table 7"),
    ("ghostnet_0.5", "params", "2.6 M", "Han et al. 2019, Table 7"),
    ("ghostnet_0.5", "macs", "42 M", "Han et al. 2019, Table 7"),
    ("shufflenet_g1", "macs", "143 M", "Zhang et al. 2017, Table 1"),
    ("shufflenet_g3", "macs", "137 M", "Zhang et al. 2017, Table 1"),
    ("shufflenet_g3_0.5", "macs", "38 M", "Zhang et al. 2017, Table 2"),
    ("efficientnet_lite0", "params", "4.7 M", "EfficientNet-lite's README"),
    ("efficientnet_lite1", "params", "5.4 M", "EfficientNet-lite's README"),
    ("efficientnet_lite2", "params", "6.1 M", "EfficientNet-lite's README"),
    ("efficientnet_lite3", "params", "8.2 M", "EfficientNet-lite's README"),
    ("efficientnet_lite4", "params", "13.0 M", "EfficientNet-lite's README"),
    ("convmixer_1536_20", "params", "51.6 M", "Trockman and Kolter 2022, Table 1"),
    ("convmixer_768_32", "params", "21.1 M", "Trockman and Kolter 2022, Table 1"),
    ("convmixer_1024_20", "params", "24.4 M", "Trockman and Kolter 2022, Table 1"),
    ("repvgg_a0", "macs", "1.4 G", "Ding et al. 2021, Table 4"),
    ("repvgg_b1", "macs", "11.8 G", "Ding et al. 2021, Table 4"),
    ("repvgg_b3", "macs", "26.2 G", "Ding et al. 2021, Table 4"),
    ("r3d_18", "macs", "40.697 G", CARD),
    ("mc3_18", "macs", "43.343 G", CARD),
    ("r2plus1d_18", "macs", "40.519 G", CARD),
    ("fcn_resnet50", "macs", "152.717 G", CARD),
    ("fcn_resnet101", "macs", "232.738 G", CARD),
    ("deeplabv3_resnet50", "macs", "178.722 G", CARD),
    ("deeplabv3_resnet101", "macs", "258.743 G", CARD),
    ("quartznet_5x5", "params", "6.7 M", "Kriman et al. 2019, Table 3"),
    ("quartznet_10x5", "params", "12.8 M", "Kriman et al. 2019, Table 3"),
    ("quartznet_15x5", "params", "18.9 M", "Kriman et al. 2019, Table 3"),
    ("vdsr", "macs", "612.6 G", "Ahn et al. 2018 (CARN), Table 1"),
    ("srcnn_9_5_5", "macs", "52.7 G", "Ahn et al. 2018 (CARN), Table 1"),
    ("edsr_baseline_x2", "params", "1.37 M", "the authors' EDSR-PyTorch"),
    ("edsr_x2", "params", "40.7 M", "the authors' EDSR-PyTorch"),
    ("edsr_x4", "params", "43 M", "Lim et al. 2017, Table 1"),
]
CUT = [  # printed with the following digits cut off
    ("overfeat_fast", "params", "145 M", "Sermanet et al. 2013, Table 4"),
    ("overfeat_accurate", "params", "144 M", "Sermanet et al. 2013, Table 4"),
    ("m3", "params", "0.2 M", "Dai et al. 2016, Table 1"),
    ("m5", "params", "0.5 M", "Dai et al. 2016, Table 1"),
    ("all_cnn", "params", "1.3 M", "Springenberg et al. 2014, Table 3"),
    ("shufflenet_g2", "macs", "140 M", "Zhang et al. 2017, Table 1"),
    ("ghostnet_1.3", "params", "7.3 M", "Han et al. 2019, Table 7"),
    ("repvgg_a0", "params", "8.30 M", "Ding et al. 2021, Table 4"),
    ("repvgg_a1", "params", "12.78 M", "Ding et al. 2021, Table 4"),
    ("repvgg_a2", "params", "25.49 M", "Ding et al. 2021, Table 4"),
    ("repvgg_b0", "params", "14.33 M", "Ding et al. 2021, Table 4"),
    ("repvgg_b1", "params", "51.82 M", "Ding et al. 2021, Table 4"),
    ("repvgg_b2", "params", "80.31 M", "Ding et al. 2021, Table 4"),
    ("repvgg_b3", "params", "110.96 M", "Ding et al. 2021, Table 4"),
    ("vdsr", "params", "665 K", "Ahn et al. 2018 (CARN), Table 1"),
]
# (network, figure, as printed, result of the layers, source): the spec states both
DISAGREE = [
    ("mobilenet_v1_1.0_224", "params", "4.24 M", 4_231_976, SLIM_V1),
    ("mobilenet_v1_0.5_224", "params", "1.34 M", 1_331_592, SLIM_V1),
    ("mobilenet_v1_0.75_224", "macs", "317 M", 325_400_448, SLIM_V1),
    ("mobilenet_v1_0.75_192", "macs", "233 M", 239_273_472, SLIM_V1),
    ("mobilenet_v1_0.75_160", "macs", "162 M", 166_396_800, SLIM_V1),
    ("mobilenet_v1_0.75_128", "macs", "104 M", 106_770_432, SLIM_V1),
    ("mobilenet_v1_0.5_224", "macs", "150 M", 149_497_088, SLIM_V1),
    ("mobilenet_v1_0.25_192", "macs", "34 M", 30_212_608, SLIM_V1),
    ("mobilenet_v3_small_0.75", "params", "2.4 M", 2_041_872, SLIM_V3),
    ("mobilenet_v3_small_minimalistic", "macs", "65 M", 52_288_448, SLIM_V3),
    ("deepface", "params", "120 M", 118_923_774, "Taigman et al. 2014: more than 120 million"),
    ("overfeat_fast", "macs", "2810 M", 2_801_403_904, "Sermanet et al. 2013, Table 4: connections"),
    ("overfeat_accurate", "macs", "5369 M", 5_355_446_784, "Sermanet et al. 2013, Table 4: connections"),
    ("darknet53", "operations", "18.7 G", 2 * 9_285_115_904, "Redmon and Farhadi 2018, Table 2"),
    ("yolov4", "operations", "128.46 G", 2 * 64_194_741_248, "darknet's BFLOPs, poolings and additions included"),
    ("shufflenet_g4", "macs", "133 M", 134_339_776, "Zhang et al. 2017, Table 1"),
    ("shufflenet_g8", "macs", "137 M", 138_365_952, "Zhang et al. 2017, Table 1"),
    ("ghostnet_1.3", "macs", "226 M", 227_003_256, "Han et al. 2019, Table 7"),
    ("efficientnet_lite0", "macs", "407 M", 385_187_552, "EfficientNet-lite's README"),
    ("fsrcnn", "macs", "6.0 G", 2_871_705_600, "Ahn et al. 2018 (CARN), Table 1: the deconvolution at its output"),
]


@cache
def network(name: str) -> Network:
    return cnncalc.load(name)


@cache
def figures(name: str) -> Counter[str]:
    """Return a network's totals: by kind under the csv's names, and in the other counts that sources use."""
    found: Counter[str] = Counter()
    for node in network(name).nodes:
        tensors = node.layer.weights(*node.use.inputs) if node.layer.kind in ("conv", "fc") else {}
        found.update({"params": node.params, "macs": node.use.macs, "stored": node.params + node.buffers})
        found.update({f"{node.layer.kind}_params": node.params, f"{node.layer.kind}_macs": node.use.macs})
        found.update({"operations": 2 * node.use.macs})
        found.update({"weights": prod(tensors["weight"].shape) if tensors else 0})
    return found


def printed(text: str) -> tuple[float, float]:
    """Return a printed figure and one unit of its last digit: ``0.27 M`` is (270000, 10000)."""
    digits, _, unit = text.partition(" ")
    decimals = len(digits.partition(".")[2])
    return float(digits) * UNITS[unit], UNITS[unit] / 10**decimals


def is_rounded(value: int, text: str) -> bool:
    figure, unit = printed(text)
    return abs(value - figure) <= unit / 2


def name_of(row: tuple[object, ...]) -> str:
    return f"{row[0]}-{row[1]}"


@pytest.mark.parametrize("row", EXACT, ids=name_of)
def test_figures_published_to_the_integer(row: tuple[str, str, int, str]) -> None:
    name, figure, published, source = row
    assert figures(name)[figure] == published, source


@pytest.mark.parametrize("row", ROUNDED, ids=name_of)
def test_figures_published_rounded(row: tuple[str, str, str, str]) -> None:
    name, figure, published, source = row
    assert is_rounded(figures(name)[figure], published), source


@pytest.mark.parametrize("row", CUT, ids=name_of)
def test_figures_published_cut(row: tuple[str, str, str, str]) -> None:
    name, figure, published, source = row
    least, unit = printed(published)
    assert least <= figures(name)[figure] < least + unit, source


@pytest.mark.parametrize("row", DISAGREE, ids=name_of)
def test_published_figures_that_the_layers_contradict(row: tuple[str, str, str, int, str]) -> None:
    name, figure, published, computed, source = row
    assert figures(name)[figure] == computed, source
    assert not is_rounded(computed, published), "they agree: move the row to the others"


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row["model"])
def test_figures_measured_on_other_implementations(row: dict[str, str]) -> None:
    found = figures(row["model"])
    columns = ("params", "conv_params", "fc_params", "macs", "conv_macs", "fc_macs")
    assert {column: found[column] for column in columns} == {column: int(row[column]) for column in columns}


def test_lenet5_counts_as_the_papers_table() -> None:
    params = {node.name: node.params for node in network("lenet5_1998").nodes}
    for layer, trainable in {"C1": 156, "S2": 12, "C3": 1_516, "S4": 32, "C5": 48_120, "F6": 10_164}.items():
        assert sum(count for name, count in params.items() if name.split(".")[0] == layer) == trainable, layer
    assert network("lenet5").nodes[3].params == 2_416  # C3 reads all maps in our spec


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(NAMES).items() if count > 1] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_network_states_its_figures(name: str) -> None:
    document, variant_name = open_document(name)
    variant = document.variants[variant_name] if variant_name else None
    stated = {figure.partition(" ")[0] for figure in (variant.expect if variant else document.expect)}
    assert stated == {"params", "macs", "output"}
    assert (variant and variant.year) or document.year
    assert (variant and variant.source) or document.source
    assert network(name).unmet == []
