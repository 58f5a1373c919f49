"""Words of other frameworks: the hint has our word, if there is one, and never a merely similar word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cnncalc
from cnncalc.ground.near import folded
from cnncalc.language.hints import foreign_words
from cnncalc.language.hints.spellings import abroad, argument_hint, our_type, type_hint
from cnncalc.language.loading import open_document
from cnncalc.layers import layer_type, layer_types
from cnncalc.layers.base import Layer
from tests.commands import cnncalc as command

# The names are those of the frameworks' own documentation: torch.nn, keras.layers, onnx.ai/onnx/operators, Caffe's
# layer catalogue, darknet's parser.c, mxnet.gluon.nn.
CALLED = {
    "conv": "Conv1d Conv2d nn.Conv3d LazyConv2d Conv2D tf.keras.layers.Conv1D Convolution convolutional conv_2d",
    "conv_transpose": "ConvTranspose2d Conv2DTranspose Deconvolution deconvolutional tconv ConvT convt2d",
    "linear": "nn.Linear LazyLinear Dense InnerProduct FullyConnected connected Gemm fc fully_connected",
    "maxpool": "MaxPool2d MaxPooling2D max_pool nn.MaxPool1d MaxPool",
    "avgpool": "AvgPool3d AveragePooling1D AveragePool avg_pool2d",
    "global_avgpool": "GlobalAveragePooling2D GlobalAveragePool GlobalAvgPool2D gap",
    "global_maxpool": "GlobalMaxPooling1D GlobalMaxPool",
    "adaptive_avgpool": "AdaptiveAvgPool2d nn.AdaptiveAvgPool1d",
    "batchnorm": "BatchNorm2d BatchNormalization batch_norm bn SyncBatchNorm LazyBatchNorm3d",
    "layernorm": "LayerNorm LayerNormalization ln",
    "groupnorm": "GroupNorm GroupNormalization",
    "instancenorm": "InstanceNorm2d InstanceNormalization",
    "lrn": "LocalResponseNorm LRN",
    "permute": "transpose Transpose Permute",
    "maximum": "maxout Maximum",
    "add": "Add plus",
    "multiply": "Mul Multiply",
    "subtract": "Sub Subtract",
    "concat": "Concatenate cat Concat",
    "upsample": "UpSampling2D UpsamplingNearest2d interpolate Resize",
    "pad": "ZeroPadding2D ZeroPad2d ReflectionPad1d Pad",
    "reshape": "Reshape view Unflatten",
    "pixel_shuffle": "DepthToSpace PixelShuffle",
    "pixel_unshuffle": "SpaceToDepth reorg",
    "leaky_relu": "LeakyReLU leaky",
    "silu": "SiLU Swish",
    "sigmoid": "logistic",
    "dropout": "Dropout2d SpatialDropout2D AlphaDropout",
    "abs": "AbsVal",
    "l2_normalize": "l2norm L2Normalization UnitNormalization LpNormalization",
    "matmul": "mm bmm MatMul",
    "sequence": "",
}


@pytest.mark.parametrize(("word", "ours"), [(word, ours) for ours, words in CALLED.items() for word in words.split()])
def test_a_frameworks_word_leads_to_ours(word: str, ours: str) -> None:
    assert our_type(word) == ours
    assert type_hint(word, ()) == f"it is called '{ours}' here"


@pytest.mark.parametrize(
    "word",
    [
        "attention",
        "matmul",
        "grn",
        "lstm",
        "gru",
        "rnn",
        "convlstm",
        "Embedding",
        "CELU",
        "RReLU",
        "Hardshrink",
        "Softsign",
        "LogSigmoid",
        "Bilinear",
        "CosineSimilarity",
        "FractionalMaxPool2d",
        "einsum",
        "roi_align",
        "GridSample",
        "TopK",
        "ReduceMean",
        "Gather",
        "zzz",
        "mlp",
        "focal",
        "swin",
        "cls",
        "gat",
        "groupsort",
        "batchrenorm",
        "gem",
        "rpn",
        "crf",
        "smu",
        "sort",
        "cond",
        "map",
        *[
            "xLSTM",
            "sLSTM",
            "FReLU",
            "SReLU",
            "TReLU",
            "Smish",
            "GConv",
            "ConvX",
            "Xconv",
            "hardmish",
            "ReLUN",
        ],  # names of variants
        *[
            "log2",
            "log10",
            "atan2",
            "arctanh",
            "dequantize",
            "repeat_interleave",
            "ScatterND",
        ],  # functions of the frameworks
        *["L1Norm", "LRNorm", "median_pool", "MinPooling", "GlobalMinPool"],
    ],
)
def test_unsupported_types_get_no_similar_word(word: str) -> None:
    """Types that are added later under these names need not be removed here."""
    if our_type(word) is not None:
        pytest.skip(f"'{word}' is offered")
    assert type_hint(word, ()).startswith("not offered")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("local_avgpool", "it is called 'avgpool' here"),  # darknet's, which has its own windows
        ("BasicBlock", "not offered; write it as a block of your own, under 'blocks'; 'cnncalc show resnet' has one"),
        ("route", "write 'concat' with 'from: [one, another]'"),
        ("shortcut", "write 'add' with 'from: [one, another]'"),
        ("Pooling", "it is called 'maxpool' or 'avgpool' here"),
        ("Eltwise", "it is called 'add', 'multiply', 'subtract' or 'maximum' here"),
        ("squeeze", "write 'reshape'"),
        ("stack", "write 'concat' with a 'reshape' in each path"),
        ("glu", "not offered; write 'multiply'"),
        ("MaxUnpool2d", "not offered; 'upsample'"),
        ("DepthwiseConv2D", "write 'conv' with 'groups: in_channels'"),
        ("SeparableConv2D", "write 'conv' with 'groups: in_channels', then a 1×1 'conv'"),
        ("CrossEntropyLoss", "leave it out: a loss"),
        ("Activation", "an activation has its own name"),
        ("Sequential", "group items with 'sequence: […]'"),
        ("InputLayer", "the input has its own key"),
        ("Cropping2D", "write 'center_crop' with the remaining size, or 'pad' with negative sizes"),
        ("TimeDistributed", "write 'fold: 0', the layer, and 'unfold'"),
        ("BiLSTM", "write 'lstm' with 'bidirectional: true'"),
        ("WeightNorm", "leave it out"),
        ("sqr", "write 'power: 2'"),
        ("Subsample", "it is called 'maxpool' or 'avgpool' here"),
        ("Downsample", "write 'conv' or a pooling with 'stride: 2'"),
        ("convs", "did you mean 'conv'?"),
        ("conv1", "did you mean 'conv'?"),
        ("linearr", "did you mean 'linear'?"),
        ("cnov", "did you mean 'conv'?"),
        ("MaxPoling2D", "did you mean 'maxpool'?"),
        ("batchnrom", "did you mean 'batchnorm'?"),
        ("sequnce", "did you mean 'sequence'?"),
        ("bottelneck", "did you mean 'bottleneck'?"),
        ("Bottleneck", "did you mean 'bottleneck'?"),
    ],
)
def test_hints_with_a_replacement(word: str, hint: str) -> None:
    assert type_hint(word, ("bottleneck",)).startswith(hint)


def test_types_without_a_counterpart() -> None:
    """Neither PyTorch nor Keras nor ONNX has these types as a module, a layer or an operator."""
    known = {name: (layer_type(name) or Layer).elsewhere for name in layer_types()}
    alone = [name for name, there in known.items() if not (there.torch or there.keras or there.onnx)]
    assert alone == ["trunc", "compare", "affine", "scale", "shift", "fold", "select", "unfold"]


def test_none_of_torch_s_modules_is_mistaken_for_another() -> None:
    """Every name of torch.nn 2.13 (tests/data) is known, known to be missing, or has no 'did you mean'."""
    names = (Path(__file__).parent.parent / "data" / "torch_nn.txt").read_text().split()
    assert len(names) > 150
    assert [name for name in names if type_hint(name, ()).startswith("did you mean")] == []


@pytest.mark.parametrize("name", layer_types())
def test_every_type_is_found_by_its_own_name_and_by_its_names_elsewhere(name: str) -> None:
    layer_class = layer_type(name)
    assert layer_class is not None
    assert our_type(name) == our_type(name.replace("_", "")) == name
    assert our_type(name.upper()) == (None if name in foreign_words.FALSE_FRIENDS else name)
    names = [one.name for ones in abroad().values() for one in ones if one.type == name]
    for other in names:
        assert our_type(other.replace("{d}", "2")) in (name, *([our_type(other)] if "{d}" not in other else []))


def test_no_word_means_two_types() -> None:
    for word, ones in abroad().items():
        assert len({one.type for one in ones}) == 1, word
        assert word not in foreign_words.WRITTEN, word


def test_specs_named_in_hints_are_shipped() -> None:
    shown = {name for hint in foreign_words.WRITTEN.values() for name in re.findall(r"'cnncalc show (\w+)'", hint)}
    assert len(shown) > 4
    for name in shown:
        assert open_document(name)


def test_words_are_normalised_in_tables_as_in_queries() -> None:
    for word in (*foreign_words.WRITTEN, *foreign_words.NOT_OFFERED):
        assert word == folded(word)


# --- arguments, keys, modifiers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_name", "word", "hint"),
    [
        ("conv", "kernel", "it is called 'kernel_size' here"),
        ("conv", "filters", "it is called 'out_channels' here"),
        ("conv", "num_output", "it is called 'out_channels' here"),
        ("conv", "strides", "it is called 'stride' here"),
        ("conv", "dilation_rate", "it is called 'dilation' here"),
        ("conv", "use_bias", "it is called 'bias' here"),
        ("conv", "group", "it is called 'groups' here"),
        ("conv", "pad", "it is called 'padding' here"),
        ("linear", "units", "it is called 'out_features' here"),
        ("linear", "num_output", "it is called 'out_features' here"),
        ("linear", "num_hidden", "it is called 'out_features' here"),
        ("maxpool", "pool_size", "it is called 'kernel_size' here"),
        ("maxpool", "size", "it is called 'kernel_size' here"),
        ("dropout", "rate", "it is called 'p' here"),
        ("batchnorm", "epsilon", "it is called 'eps' here"),
        ("upsample", "scale", "it is called 'scale_factor' here"),
        ("leaky_relu", "alpha", "it is called 'negative_slope' here"),
        ("permute", "perm", "it is called 'dims' here"),
        ("reshape", "target_shape", "it is called 'shape' here"),
        ("conv", "kernel_initializer", "leave it out"),
        ("conv", "activation", "put the activation after it"),
        ("conv", "padding_mode", "put a 'pad' with this mode before"),
        ("batchnorm", "num_features", "leave it out"),
        ("relu", "inplace", "leave it out"),
        ("softmax", "dim", "it is called 'axis' here and counts without the batch"),
        ("embedding", "input_dim", "it is called 'num_embeddings' here"),  # Keras' and Caffe's size of the vocabulary
        ("embedding", "output_dim", "it is called 'embedding_dim' here"),
        ("lstm", "units", "it is called 'hidden_size' here"),
        ("lstm", "go_backwards", "it is called 'reverse' here"),
        ("layernorm", "center", "it is called 'bias' here"),  # Keras': whether beta is learned
        ("lrn", "bias", "it is called 'k' here"),  # TensorFlow's
        ("matmul", "transB", "it is called 'transpose_b' here"),
        ("conv", "bn", "put a 'batchnorm' after it"),
        ("conv", "ch_out", "it is called 'out_channels' here"),  # PaddlePaddle's blocks
        ("conv", "bias_attr", "it is called 'bias' here"),
        ("conv", "depth_multiplier", "write 'groups: in_channels'"),
        ("tile", "multiples", "it is called 'repeats' here"),  # TensorFlow's
        ("attention", "heads", "heads are an axis of their own"),
        ("lstm", "recurrent_dropout", "leave it out"),
        ("relu", "max_value", "write 'relu6', or 'hardtanh'"),
    ],
)
def test_arguments_of_other_frameworks(type_name: str, word: str, hint: str) -> None:
    layer_class = layer_type(type_name)
    assert layer_class is not None
    assert (argument_hint(word, layer_class.arguments) or "").startswith(hint)


@pytest.mark.parametrize(("type_name", "word"), [("permute", "dim"), ("batchnorm", "center"), ("reshape", "dim")])
def test_no_hint_leads_to_what_a_type_does_not_have(type_name: str, word: str) -> None:
    layer_class = layer_type(type_name)
    assert layer_class is not None
    assert argument_hint(word, layer_class.arguments) is None


def test_words_for_arguments_are_for_arguments_that_there_are() -> None:
    known = {name for one in layer_types() for name in (layer_type(one) or object).arguments}  # type: ignore[attr-defined]
    assert set(foreign_words.ARGUMENTS) <= known


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("inputs: [3, 8, 8]\nlayers: [relu]\n", "did you mean 'input'?"),
        ("input: [3, 8, 8]\nnetwork: [relu]\n", "it is called 'layers' here"),
        ("input: [3, 8, 8]\nlayers: [relu]\nparams: {w: 1}\n", "it is called 'args' here"),
        ("input: [3, 8, 8]\nlayers: [relu]\nexpect: {mult_adds: 1}\n", "it is called 'macs' here"),
        ("input: [3, 8, 8]\nlayers: [relu]\nfoo: 1\n", "known keys: name, source, year, args, variants, input"),
        ("input: [3, 8, 8]\nlayers:\n  - relu:\n    bottom: input\n", "it is called 'from' here"),
        ("input: [3, 8, 8]\nlayers:\n  - relu:\n    times: 3\n", "it is called 'repeat' here"),
        ("input: [3, 8, 8]\nlayers:\n  - relu:\n    if: true\n", "it is called 'when' here"),
        ("input: [3, 8, 8]\nlayers:\n  - relu:\n    zzz: true\n", "modifiers: name, from, repeat, for, when"),
    ],
)
def test_keys_and_modifiers(text: str, hint: str) -> None:
    done = command("summary", "-", stdin=text)
    assert done.code == 2
    assert any(line.startswith(f"  hint: {hint}") for line in done.err.splitlines())


def test_known_names_come_in_one_order() -> None:
    """Names are in sets, whose order differs between processes."""
    names = "delta, alpha, gamma, beta"
    text = f"args: {{{names.replace(', ', ': 1, ')}: 1}}\ninput: [3, 8, 8]\nlayers:\n  - linear: zzz + 1\n"
    hint = command("summary", "-", stdin=text).err.splitlines()[-1]
    assert hint == "  hint: known names: alpha, beta, delta, gamma, in_channels, in_shape"


def test_the_package_needs_no_foreign_words_where_nothing_is_wrong() -> None:
    import subprocess
    import sys

    program = (
        "import sys, cnncalc; cnncalc.load('lenet5');"
        "sys.exit(any(name.endswith(('foreign_words', 'rewriting')) for name in sys.modules))"
    )
    assert cnncalc is not None
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("cnov", "conv"), ("comv", "conv"), ("convv", "conv"), ("con", "conv"), ("reul", "relu"), ("padd", "pad"),
        ("tahn", "tanh"), ("lienar", "linear"), ("softamx", "softmax"), ("Dnese", "linear"), ("BatchNormalizaton", "batchnorm"),
    ],
)  # fmt: skip
def test_slips_of_the_keyboard(word: str, ours: str) -> None:
    """Two neighbours are swapped, or a letter is missing, doubled, or the next one on the keyboard."""
    assert type_hint(word, ()) == f"did you mean '{ours}'?"


def test_pytorchs_fold_is_not_ours() -> None:
    assert "'col2im'" in type_hint("nn.Fold", ())
    assert "'im2col'" in type_hint("Unfold", ())
    assert our_type("fold") == "fold"
