"""Words of other frameworks and papers that specs don't have, each with a replacement.

A framework's names for our layer types are with the type (``Layer.elsewhere``); here are those that belong to no type.
Keys are folded as :func:`cnncalc.ground.near.folded` folds them: no capitals, no ``_``.
"""

from __future__ import annotations

from cnncalc.ground.near import by_word

_BLOCKS = {
    "resnet": "basicblock bottleneck resblock residualblock",
    "mobilenet_v2": "invertedresidual mbconv",
    "densenet": "denseblock transition",
    "squeezenet": "fire firemodule",
    "googlenet": "inception inceptionblock inceptionmodule",
}
"""Blocks of papers, by a network that ships and has one."""

WRITTEN = by_word({
    "convbnrelu convbnact convbn cbr cbs":
        "not offered; write 'conv', 'batchnorm' and the activation as items, or as a block of your own",
    "mlp ffn feedforward": "not offered; write 'linear', 'gelu' and 'linear' as items",
    "patchembed patchembedding":
        "not offered; write 'conv' whose 'stride' is its 'kernel_size', 'reshape' and 'permute'",
    "clstoken classtoken": "not offered; write 'parameter' for the token, and 'concat'",
    "posembed positionalembedding positionembedding positionalencoding":
        "not offered; write 'shift', which adds learned positions",
    "minpool minpooling": "not offered; write 'neg', 'maxpool' and 'neg'",
    "argmin": "not offered; write 'neg', then 'argmax'",
    "rsqrt": "not offered; write 'sqrt', then 'reciprocal'",
    "reduction": "it is called 'sum' or 'mean' here",
    "conv2dsame": "write 'conv' with 'padding: same'",
    "reflectpad reflectionpadding": "write 'pad' with 'mode: reflect'",
    "branch branches parallel fork hybridconcurrent": "not offered; write 'concat' or 'add' with 'paths'",
    "stem backbone neck head body stage encoder decoder": "group items with 'sequence: […]', which may have a 'name'",
    "norm": "write 'batchnorm', 'layernorm', 'groupnorm' or 'instancenorm'",
    "normalization": "preprocessing of images is no part of the network here; darknet's is 'lrn'",
    "depthwiseconv depthwise dwconv convdw convolutiondepthwise depthwiseconvolution":
        "write 'conv' with 'groups: in_channels'",
    "separableconv sepconv depthwiseseparable depthwiseseparableconv separableconvolution":
        "write 'conv' with 'groups: in_channels', then a 1×1 'conv'",
    "pointwise pointwiseconv pwconv conv1x1": "write 'conv' with 'kernel_size: 1'",
    "conv3x3 conv5x5 conv7x7": "write 'conv' with its 'kernel_size'",
    "atrousconv atrousconvolution dilatedconv dilatedconvolution": "write 'conv' with 'dilation'",
    "groupconv groupedconv groupconvolution": "write 'conv' with 'groups'",
    "causalconv": "write 'conv' with 'padding: [[n, 0]]', where n is dilation · (kernel_size − 1)",
    "pooling pool subsampling subsample": "it is called 'maxpool' or 'avgpool' here",
    "globalpooling globalpool": "it is called 'global_avgpool' or 'global_maxpool' here",
    "adaptivepooling adaptivepool": "it is called 'adaptive_avgpool' or 'adaptive_maxpool' here",
    "spp sppf spatialpyramidpooling": "write 'concat' with 'paths', each with its own pooling",
    "eltwise elementwise elemwise": "it is called 'add', 'multiply', 'subtract' or 'maximum' here",
    "merge": "it is called 'add' or 'concat' here",
    "shortcut residual skip skipconnection skipadd": "write 'add' with 'from: [one, another]', or with 'paths'",
    "route": "write 'concat' with 'from: [one, another]'; for a single layer 'identity' with 'from'",
    "activation act nonlinearity nonlin": "an activation has its own name as its type: '- relu'",
    "input inputlayer inputspec data datalayer placeholder inputdata net network":
        "the input has its own key, above 'layers': 'input: [3, 224, 224]'",
    "output outputlayer outputs":
        "the last item is the output; list others in 'outputs: [name]', a key next to 'layers'",
    "sequential modulelist layerlist nnsequential hybridsequential model module functional layers items":
        "group items with 'sequence: […]'",
    "loop": "write 'repeat: 3' below the item, or below '- sequence:' with several",
    "squeeze unsqueeze expanddims": "write 'reshape' with the output's shape",
    "split slicechannel chunk unbind unstack": "write a 'slice' for each part, each with 'from'",
    "stack pack": "write 'concat' with a 'reshape' in each path, which adds an axis of 1",
    "se seblock semodule selayer squeezeexcite squeezeexcitation squeezeandexcitation":
        "write 'multiply' with paths, one of them []; 'cnncalc show senet' has such a block",
    "gaussiannoise droppath dropblock stochasticdepth activityregularization masking":
        "leave it out: it does nothing at inference",
    "cast castlike contiguous detach stopgradient clone quantstub dequantstub silence":
        "leave it out: it changes neither shape nor costs",
    "rescaling augmentation imagedata randomflip randomcrop randomrotation randomzoom randomtranslation randomcontrast":
        "leave it out: preprocessing of images is no part of the network here",
    "yolo region detection detectionoutput priorbox nonmaxsuppression nms proposal":
        "not offered: a detector ends with the outputs of its last convolutions here",
    "cost loss accuracy criterion softmaxwithloss crossentropy": "leave it out: a loss is no part of the network here",
    "lambda customlayer function pyfunc python": "not offered: a spec has no code",
    "maxunpool maxunpooling unpool unpooling avgunpool":
        "not offered; 'upsample' has the same output shape, but doesn't read where the maxima were",
    "glu geglu swiglu reglu bilinearglu":
        "not offered; write 'multiply' with two paths, one of them ending in the gate's activation",
    "selfattention crossattention multiheadattention multiheadselfattention mha mhsa multiheaddotproductattention":
        "not offered as one layer; write 'linear' for queries, keys and values, then 'attention', then 'linear'",
    "grn globalresponsenorm": "not offered; write it with 'norm2', 'mean', 'divide' and 'multiply'",
    "square sqr": "write 'power: 2'",
    "downsample downsampling downscale": "write 'conv' or a pooling with 'stride: 2'",
    "average": "not offered; write 'add', then 'affine' with 'mul'",
    "scalechannels": "write 'multiply' with 'from: [one, another]'",
    "timedistributed": "write 'fold: 0', the layer, and 'unfold' with the number of steps: each step becomes a sample",
    "bidirectional birnn": "write 'lstm', 'gru' or 'rnn' with 'bidirectional: true'",
    "bilstm blstm": "write 'lstm' with 'bidirectional: true'",
    "bigru": "write 'gru' with 'bidirectional: true'",
    "weightnorm weightnormalization spectralnorm spectralnormalization":
        "leave it out: it changes how weights are learned, but neither shape nor costs",
    "crop cropping": "write 'center_crop' with the remaining size, or 'pad' with negative sizes: '[[-1, -2], [0, 0]]'",
    "normalize": "vectors of length 1 are 'l2_normalize'; preprocessing of images is no part of the network here",
    "passthrough": "write 'pixel_unshuffle' for pixels that become channels, 'identity' for an unchanged tensor",
} | {
    words: f"not offered; write it as a block of your own, under 'blocks'; 'cnncalc show {shown}' has one"
    for shown, words in _BLOCKS.items()
})  # fmt: skip
"""Layers that are expressed by other types, or that don't belong in a spec, each with a hint."""

_NEAR_MISSES = (
    "arctan2 arctanh atan2 atanh batchrenorm batchrenormalization bilinear dequantize exp2 gathernd globalminpool "
    "hardmish log10 log2 medianpool medianpooling quantile rrelu scatternd sequenceat smu srelu tan"
)
NOT_OFFERED = frozenset(_NEAR_MISSES.split())
"""Other layers that are one or two typing errors away from a type of ours."""

FALSE_FRIENDS = {
    "fold": "PyTorch's Fold is called 'col2im' here; 'fold' moves an axis into the batch",
    "unfold": "PyTorch's Unfold is called 'im2col' here; 'unfold' takes an axis out of the batch",
}
"""Other frameworks' layers that share a name with a different type here."""

LOSS = ("loss", "criterion", "accuracy")
"""Endings of the names of layers for training or evaluation."""

ARGUMENTS = {
    "out_channels": "filters num_output num_filter num_filters n_filters nb_filter nb_filters filter_count features"
    " out_planes planes out_ch out_chans out_channel output_channels channels_out num_channels channels outputs"
    " out ch_out c_out",
    "out_features": "units num_output num_hidden output_dim out_dim outputs output features neurons nodes classes"
    " num_classes output_features output_size num_outputs n_out dim_out hidden size",
    "kernel_size": "kernel kernels pool_size kernel_shape ksize filter_size window window_size window_shape size f k",
    "stride": "strides subsample step s",
    "padding": "pad pads auto_pad border_mode p paddings pad_width",
    "dilation": "dilations dilation_rate rate dilate atrous_rate atrous d",
    "groups": "group num_group feature_group_count n_groups cardinality num_groups g",
    "bias": "use_bias bias_term bias_attr with_bias has_bias center",
    "in_channels": "in_planes inplanes in_ch in_chans input_channels num_input_channels",
    "in_features": "input_dim in_dim num_input input_features",
    "p": "rate ratio dropout_ratio prob probability drop_prob drop_rate dropout",
    "eps": "epsilon variance_epsilon",
    "affine": "elementwise_affine scale",
    "momentum": "decay moving_average_fraction",
    "num_embeddings": "input_dim vocab_size vocabulary_size num_words n_words input_size",
    "embedding_dim": "output_dim embed_dim dim num_output features size",
    "hidden_size": "units num_output num_hidden state_size hidden hidden_dim features cell_size",
    "reverse": "go_backwards is_reverse",
    "output_padding": "adj out_padding outputpadding",
    "transpose_a": "adj_x transa trans_a transpose_x",
    "transpose_b": "adj_y transb trans_b transpose_y",
    "value": "constant_value constant_values fill fill_value",
    "k": "knorm bias",
    "num_groups": "groups group",
    "negative_slope": "alpha slope leak leakage leakiness",
    "scale_factor": "scale scales factor upscale_factor upsampling_factor zoom stride ratio",
    "upscale_factor": "block_size blocksize block scale_factor scale factor r",
    "downscale_factor": "block_size blocksize block scale_factor scale factor r stride",
    "output_size": "size output_shape output",
    "size": "output_size target_size out_shape local_size nsize n height crop_size output_shape",
    "axis": "axes concat_dim concat_axis dimension slice_dim reduction_indices",
    "dims": "perm order axes permutation axis",
    "shape": "target_shape new_shape newshape unflattened_size size sizes dims",
    "mode": "interpolation method padding_mode sample_type",
    "repeats": "multiples reps",
    "equation": "subscripts",
    "indices": "index",
    "stop": "end ends stops",
    "start": "begin starts offset",
    "step": "steps stride",
    "norm_type": "p norm_order",
    "count_include_pad": "include_pad",
    "ceil_mode": "round_up",
    "min_val": "min min_value lower",
    "max_val": "max max_value upper",
    "rounding": "round_mode pooling_convention",
}
"""Other frameworks' words for each of our arguments."""

ADVICE = by_word({
    "inplace device trainable weight_filler bias_filler dropout recurrent_dropout noise_shape seed stateful unroll"
    " mask_zero padding_idx sparse synchronized fused": "leave it out: it changes no figure",
    "start_dim end_dim": "leave it out: flatten makes a vector of the whole tensor",
    "padding_mode": "put a 'pad' with this mode before the convolution",
    "dim": "it is called 'axis' here and counts without the batch: PyTorch's dim 1 is axis 0",
    "num_features num_channels input_size": "leave it out: it is inferred from the input",
    "normalized_shape": "leave it out, or name the axes with 'axis'",
    "activation act act_type activation_fn act_layer": "put the activation after it, as a separate item",
    "input_shape input_dim batch_input_shape": "leave it out: shapes are inferred from the input",
    "track_running_stats": "it belongs to 'batchnorm'",
    "negative_slope": "it belongs to 'leaky_relu'",
    "no_bias": "write 'bias: false' if it is true",
    "keep_prob": "write 'p', the probability that an element is dropped: 1 − keep_prob",
    "pool": "write 'maxpool' or 'avgpool'",
    "operation": "write 'add', 'multiply' or 'maximum'",
    "global_pooling": "write 'global_avgpool' or 'global_maxpool'",
    "batch_normalize batch_norm bn normalizer_fn norm norm_layer": "put a 'batchnorm' after it, as a separate item",
    "num_layers": "stack copies of the item: 'repeat: 2' beside the type",
    "batch_first": "leave it out: shapes have no batch axis",
    "return_sequences": "leave it out: all steps come out, and 'select' takes the last one",
    "num_heads n_heads nhead heads key_dim head_dim dim_head":
        "heads are an axis of their own, which 'reshape' and 'permute' make",
    "depth_multiplier": "write 'groups: in_channels', and 'out_channels' as a multiple of in_channels",
    "max_value": "write 'relu6', or 'hardtanh' with its bounds",
    "depth_radius": "write 'size', which is 2 · depth_radius + 1",
    "exclusive": "write 'count_include_pad: false' if it is true",
    "shared_axes channel_shared":
        "write 'num_parameters: 1' for one that all share, 'num_parameters: channels' for one per channel",
    "kernel_h kernel_w": "write 'kernel_size: [height, width]'",
    "stride_h stride_w": "write 'stride: [height, width]'",
    "pad_h pad_w": "write 'padding: [height, width]'",
    "data_format": "leave it out: channels come first",
    "dtype": "leave it out: a spec's figures don't depend on it",
    "return_indices": "leave it out: only the maxima are returned",
    "bottom inputs layers": "write 'from' beside the type",
    "top": "write 'name' beside the type",
})  # fmt: skip
"""Hints for arguments without a counterpart; endings of Keras's many are in :data:`TRAINING`."""

TRAINING = ("_initializer", "_regularizer", "_constraint", "_init")
"""Endings of the names of arguments that matter only in training."""

SAME_VALUES = {
    "bilinear": "linear",
    "trilinear": "linear",
    "bicubic": "cubic",
    "zeros": "constant",
    "edge": "replicate",
    "wrap": "circular",
    "same_upper": "same",
    "half": "same",
}
"""Frameworks' words for values of arguments, with our words."""

VALUES = {
    **{theirs: f"it is called '{ours}' here" for theirs, ours in SAME_VALUES.items()},
    **dict.fromkeys(("bilinear", "trilinear"), "it is called 'linear' here, on a map of any rank"),
    "symmetric": "only constant, reflect, replicate and circular are known",
    "full": "write it as a number: kernel_size − 1",
    "causal": "write 'padding: [[n, 0]]', where n is dilation · (kernel_size − 1)",
}
"""Hints for frameworks' words for values of arguments."""

KEYS = {
    "layers": "layer network net model architecture modules backbone body features stages graph",
    "input": "inputs input_shape input_size shape image image_size in",
    "outputs": "output out heads",
    "args": "arguments params parameters hyperparameters hyper_parameters config settings variables defaults",
    "blocks": "block modules definitions functions macros components templates",
    "name": "title model_name id",
    "source": "paper reference url citation doi",
    "variants": "versions family configurations sizes",
    "expect": "expected published figures check",
    "params": "parameters weights num_params param_count",
    "macs": "mac mult_adds multadds madds madd",
    "flops": "flop",
    "output": "output_shape out_shape shape",
    "max_arena": "max_ram max_sram max_memory arena",
    "max_flash": "max_rom max_size",
    "quant": "quantization quantisation quantize dtype precision",
    "board": "mcu device target",
    "core": "cpu",
    "ram": "sram memory",
    "flash": "rom",
}
"""Other words for the keys of a spec."""

MODIFIERS = {
    "from": "bottom src source input inputs parents parent",
    "name": "id label top alias",
    "repeat": "times count number n repeats repetitions",
    "for": "loop foreach for_each each",
    "when": "if condition cond only_if unless",
    "weights": "share shared share_weights tied shares",
    "expect": "output_shape out_shape expected shape output",
}
"""Other words for the modifiers of an item."""
