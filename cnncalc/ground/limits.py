"""Every bound on what a spec may ask for.  A spec is untrusted input: whatever it says, reading it ends soon.

A spec that needs more is refused with the name of the bound; docs/limits.md lists them from here.
"""

MAX_INTEGER = 2**53
"""The largest integer of an argument and the most elements of an output, so that each is exact as a float too."""

MAX_FILE_BYTES = 16 * 2**20
"""Size of a spec's text."""

MAX_SEPARATORS = 1_500_000
"""Colons, commas and lines in a text, which bound the nodes that YAML can make of it."""

MAX_DEPTH = 64
"""How deep YAML lists and mappings, blocks in blocks, and terms in an expression may be nested."""

MAX_ALIASED = 10_000
"""How many nodes the aliases of a text may add, when they are all expanded."""

MAX_FRAMES = 4_000
"""How deep the functions that expand a spec may call each other: MAX_DEPTH blocks, with sequences and paths in each."""

MAX_LAYERS = 120_000
"""How many layers a network may have."""

MAX_STEPS = 60_000
"""How many items and rounds may be looked at while a spec is expanded, beside STEPS_PER_LAYER for each layer that comes
of them; those that ``when`` leaves out count."""

STEPS_PER_LAYER = 8
"""How many items and rounds a layer may take on the average, as blocks in blocks do."""

MAX_READS = 250_000
"""How many tensors the layers of a network may read; one that two layers read counts twice."""

MAX_INPUTS = 1_000
"""How many tensors may come into one item."""

MAX_NAME = 100
"""Characters of a name."""

MAX_PATH = 500
"""Characters of a layer's dotted path."""

MAX_WORK = 1_500_000
"""How many operations all expressions of a spec may take, an item of a list counting as one."""

MAX_EXPRESSION = 1_000
"""Characters of an expression."""

MAX_LIST = 10_000
"""Items of a list that an expression makes, those of lists in it included (a range, which is not written out, may
have MAX_LAYERS)."""

MAX_AXES = 8
"""Axes of an input's shape, channels included."""

MAX_MODEL_BYTES = 2**33
"""Size of a model file; its weights are not read for a summary."""

MAX_PIPED_MODEL_BYTES = 2**31
"""Size of a model that comes through a pipe, all of which is in memory."""

MAX_MODEL_FIELDS = 600_000
"""Fields of a model file's messages, all together."""

MAX_MODEL_PARTS = 120_000
"""Operators, stored tensors and descriptions of tensors in a model file, all its graphs together."""

MAX_MODEL_MESSAGE_FIELDS = 500_000
"""Fields of one message of a model file: the nodes of a graph, for one."""

MAX_MODEL_LISTS = 2**21
"""Bytes of the packed lists of a model file's attributes and of its tensors' sizes, all together."""

MAX_MODEL_DEPTH = 16
"""How deep a model file's graphs and functions may be nested."""

MAX_MODEL_NODES = 100_000
"""Operators of a model file, when all its functions are written out."""

TENSORS_PER_OPERATOR = 16
"""How many tensors that an operator of a model file reads and makes count as one operator more."""

MAX_MODEL_SOURCES = 2_000_000
"""Stored tensors that the constants of a model file are made of, counted for each constant that operators make."""

MAX_MODEL_PASSES = 1_024
"""Passes of a loop in a model file that are taken in one by one; one with more is not counted."""

MAX_CHOICES = 16
"""Choices that a model file makes when it runs and that are found; each takes a run of what decides it."""

MAX_MODEL_NAME = 4_096
"""Bytes of a name in a model file."""

MAX_MODEL_PROPERTY = 2**16
"""Bytes of the longest property of a model file that is read; a longer one is taken as empty."""

MAX_MODEL_PATH = 200
"""Characters of a layer's name that are taken from a model file; what is longer is cut."""

MAX_MODEL_PATH_PARTS = 32
"""Parts of a layer's name that are taken from a model file."""

MAX_MODEL_AXES = 16
"""Axes of a tensor in a model file."""

MAX_KNOWN_ELEMENTS = 4_096
"""Elements of a model file's tensor whose values are computed: shapes, and what they are made of."""

MAX_COMPARED_BYTES = 2**25
"""Bytes of a model file's attention biases that are compared with each other for a summary, all together."""

MAX_RANK = 8
"""Axes of any tensor."""

MAX_FAULTS = 20
"""How many faults are reported in full; reading ends at ten times as many."""

MAX_MESSAGE = 600
"""Characters of one message or hint; what is longer is shortened in its middle."""

NEAR_WORDS = 1_000
"""How many known words an unknown one is compared with, to find what was meant."""

NEAR_LENGTH = 40
"""Letters of an unknown word up to which known ones are compared with it."""

MAX_TABLE_ROWS = 200_000
"""Rows of a table of layers that is made for an accelerator's simulator."""

MAX_DRAWN_POINTS = 20_000
"""How many combinations of a sweep a page shows."""

MAX_DRAWN_SCOPES = 24
"""How many scopes in scopes a picture shows; what is deeper stands in the innermost."""

MAX_DRAWN_NESTING = 48
"""How deep scopes and branches of a picture are nested; what is deeper is one row with its lines beside it."""

MAX_OPERATORS = 20_000
"""Operators that a device's memory is planned for: the planner's time grows with their square, as on the device."""

MAX_FOLDED = 100_000
"""How many times batchnorms and factors may become part of layers behind them, on a device: each in each."""

MAX_FIELD_WORK = 300_000
"""Steps that receptive fields may take where they have no closed form (positions of irregular maps); beyond, a field is
said to be at most so large."""

MAX_REBUILT = 45_000
"""Layers of the networks that are built to see what changes of one would save, all together; the expressions and the
text of a spec count as the layers that take as long. Beyond, no further change is tried."""

MAX_EXPLAINED = 3_000
"""Layers that are explained at once; those of a larger network are to be named."""

MAX_AXIS_VALUES = 1_000_000
"""Values along one axis of a sweep."""

MAX_KEPT_ROWS = 1_000_000
"""Rows of a sweep that ``sort`` and ``pareto`` may have to keep."""

MAX_UNROLLED_STEPS = 1_000
"""Steps of a recurrent layer that an exported model has one after the other, where its format has no other way."""

MAX_EXPORTED_OPERATORS = 1_000_000
"""Operators of an exported model."""

MAX_WRITTEN_NUMBERS = 1_000_000
"""Numbers in the lists of all layers' arguments that are written out as a spec or as source, all together."""

MAX_EXPORTED_INDICES = 1 << 24
"""Indices of one operator of an exported model."""
