"""All bounds on specs and model files.

They are untrusted input: whatever they contain, reading them must end soon. A file that exceeds a bound is refused with
the bound's value; docs/limits.md is generated from here.
"""

MAX_INTEGER = 2**53
"""The largest integer of an argument and the most elements of an output, so that each is exact as a float too."""

MAX_FILE_BYTES = 16 * 2**20
"""Size of a spec's text."""

MAX_SEPARATORS = 1_500_000
"""Colons, commas and lines in a text, which bound the number of its YAML nodes."""

MAX_DEPTH = 64
"""Nesting of YAML lists and mappings, of blocks, and of terms in an expression."""

MAX_ALIASED = 10_000
"""Nodes that the aliases of a text may add when they are expanded."""

MAX_FRAMES = 4_000
"""Depth of calls while a spec is expanded: MAX_DEPTH blocks, with sequences and paths in each."""

MAX_LAYERS = 120_000
"""Layers of a network."""

MAX_DETAILED = 5_000
"""Layers of a network that is drawn, run, exported, written as a spec, planned for a device or compared; operators of a
device; scopes that become PyTorch's modules. The largest of 741 published and exported files has 1,492 layers.
"""

MAX_DETAILED_READS = 20_000
"""Tensors that all layers of such a network read."""

MAX_STEPS = 20_000
"""Items and rounds visited while a spec is expanded, in addition to STEPS_PER_LAYER for each layer; those that ``when``
leaves out count.
"""

STEPS_PER_LAYER = 3
"""Average number of items and rounds per layer, for blocks in blocks."""

MAX_READS = 250_000
"""Tensors that the layers of a network read; a tensor that two layers read counts twice."""

MAX_INPUTS = 1_000
"""Inputs of one item, and of a model file."""

MAX_NAME = 100
"""Characters of a name."""

MAX_PATH = 500
"""Characters of a layer's dotted path."""

MAX_WORK = 1_500_000
"""Operations of all expressions of a spec; an item of a list counts as one."""

MAX_EXPRESSION = 1_000
"""Characters of an expression."""

MAX_LIST = 10_000
"""Items of a list made by an expression, including nested lists (a range, which is not written out, may have
MAX_LAYERS).
"""

MAX_AXES = 8
"""Axes of an input's shape, channels included."""

MAX_MODEL_BYTES = 2**33
"""Size of a model file; its weights are not read for a summary."""

MAX_PIPED_MODEL_BYTES = 2**31
"""Size of a model from a pipe, which is held in memory."""

MAX_MODEL_FIELDS = 600_000
"""Fields of all messages of a model file."""

MAX_MODEL_PARTS = 60_000
"""Operators, stored tensors and descriptions of tensors in all graphs of a model file."""

MAX_MODEL_TEXT = 2**22
"""Bytes of all names and other texts that are read of a model file."""

MAX_MODEL_LISTS = 2**21
"""Bytes of all packed lists of a model file's attributes and of its tensors' sizes."""

MAX_MODEL_DEPTH = 16
"""Nesting of a model file's graphs and functions."""

MAX_MODEL_NODES = 20_000
"""Operators of a model file after expanding its functions and loops, with both branches of each choice; the largest of
740 published and exported files has 8,751."""

MAX_MODEL_LAYERS = 5_000
"""Layers of a model file; the largest of the same files has 1,700."""

TENSORS_PER_OPERATOR = 16
"""Inputs, outputs and attributes of an operator of a model file that count as one more operator."""

MAX_MODEL_SOURCES = 2_000_000
"""Stored tensors from which the constants of a model file are computed, counted for each computed constant."""

MAX_MODEL_PASSES = 1_024
"""Unrolled passes of a loop in a model file; a longer loop is not counted."""

MAX_CHOICES = 16
"""Branches of a model file that a run may decide; each takes a run of the layers that decide it."""

MAX_DECIDED = 10_000
"""Total layers and other operators of the networks that are built to decide branches; beyond it, none is decided."""

MAX_MODEL_NAME = 4_096
"""Bytes of a name in a model file."""

MAX_MODEL_PROPERTY = 2**16
"""Bytes of a property of a model file; a longer one is taken as empty."""

MAX_MODEL_PATH = 200
"""Characters of a layer's name from a model file; longer names are cut."""

MAX_MODEL_PATH_PARTS = 16
"""Parts of a layer's name from a model file."""

MAX_MODEL_AXES = 16
"""Axes of a tensor in a model file."""

MAX_KNOWN_ELEMENTS = 4_096
"""Elements of a model file's tensor whose values are computed: shapes and their operands."""

MAX_KNOWN = 2_000_000
"""Elements of all such tensors, each counted where it is computed and where it is read."""

KNOWN_PER_LAYER = 40
"""Computed elements of a model file that count as one layer of MAX_REBUILT."""

MAX_COMPARED_BYTES = 2**25
"""Total bytes of a model file's attention biases that are compared with each other for a summary."""

MAX_UNREAD_ELEMENTS = 2**24
"""Zeros that another engine gets for an input of a model file that no operator reads."""

MAX_RANK = 8
"""Axes of any tensor."""

MAX_FAULTS = 20
"""Faults, and notes on a model file, that are reported in full; reading ends at ten times as many faults."""

MAX_MESSAGE = 600
"""Characters of one message or hint; longer ones are shortened in the middle."""

NEAR_WORDS = 1_000
"""Known words with which an unknown one is compared."""

NEAR_LENGTH = 40
"""Letters of an unknown word; longer words are not compared with known ones."""

MAX_TABLE_ROWS = 200_000
"""Rows of a table of layers for an accelerator's simulator."""

MAX_PROBLEMS = 1_000
"""Files of different products for an accelerator's simulator."""

MAX_DRAWN_POINTS = 20_000
"""Combinations of a sweep that a page shows."""

MAX_DRAWN_SCOPES = 24
"""Nested scopes that a picture shows; deeper layers are drawn in the innermost one."""

MAX_DRAWN_NESTING = 48
"""Nesting of scopes and branches in a picture; deeper layers are drawn as one row with lines beside it."""

MAX_FOLDED = 100_000
"""Folds of batchnorms and factors into later layers, on a device: each pair counts."""

MAX_FIELD_WORK = 300_000
"""Steps for receptive fields without a closed form (positions of irregular maps), and for layers that see many inputs,
each differently; beyond, an upper bound is given."""

MAX_SEEN = 20_000
"""Pairs of an output and an input that it sees, in a network whose receptive fields are asked for."""

MAX_REBUILT = 45_000
"""Total layers of all networks that are built to find savings; a spec's expressions and text count as layers that take
as long. Beyond, no further change is tried.
"""

MAX_EXPLAINED = 2_000
"""Layers that are explained at once; in a larger network, layers must be named."""

MAX_PAGE_FORMULAS = 1_000
"""Different layers whose formulas a page shows."""

MAX_AXIS_VALUES = 1_000_000
"""Values along one axis of a sweep."""

MAX_KEPT_ROWS = 1_000_000
"""Rows of a sweep that ``sort`` and ``pareto`` may keep."""

MAX_UNROLLED_STEPS = 1_000
"""Unrolled steps of a recurrent layer in an exported model, if the format has no other way."""

MAX_EXPORTED_OPERATORS = 20_000
"""Operators of an exported model; the largest of 243 networks has 1,223."""

MAX_WRITTEN_NUMBERS = 100_000
"""Total numbers in the lists of all layers' arguments that are written to a spec or to source code; the most of 1,200
published and exported files are 9,790."""

MAX_EXPORTED_INDICES = 1 << 20
"""Total indices of the operators of an exported model that gather elements; the most of 243 networks are 286,700."""

MAX_REGION_SAMPLES = 64
"""Points along each axis of one part of a region of a map that a model file resizes (RoiAlign)."""

MAX_USUAL_THREADS = 16
"""Threads of a run unless another number is asked for."""

MAX_PIXELS = 2**30 // 12
"""Pixels of an input that is read from a picture: a GiB of float32 in three channels."""

MAX_NPY_HEADER_BYTES = 10_000
"""Size of the header of an .npy file; as large as NumPy reads."""

MAX_SAFETENSORS_HEADER_BYTES = 6 * 2**20
"""Size of the header of a .safetensors file, of about 50,000 tensors; read as JSON it takes up to 30 times as much."""
