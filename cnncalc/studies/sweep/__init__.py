"""The figures of very many variants of one network.

What happens, in order, and the file that does it:

1. ``values`` reads what varies from texts, ``grid`` combines it, and ``sampling`` draws some of the combinations.
   All are made lazily.
2. ``where`` compiles a condition on the rows; parts that read only arguments are decided before a network is built.
3. ``jobs`` cuts the sweep into parts and yields them in order, computed by this process (``Work``) or by an engine:
   ``processes`` of this machine, or a Dask ``cluster``, whose workers must have the same code (``identity``).
4. A part is a ``window`` of the grid.  Its networks are computed in one of three ways, which give the same figures:

   * ``points``: the reference, which builds the network and counts it;
   * ``folding``: a block that was expanded before with the same arguments and shapes (``foldable``) is represented by
     the sums of its layers;
   * ``columns``: one network is built on ``traced`` numbers, which write all arithmetic on a ``tape``; ``layout`` says
     which of its numbers are figures; a ``program`` repeats the tape with NumPy on all values of the ``axes`` at once.
     Outcomes of comparisons are guards: combinations for which they don't hold get another trace.

   Some rows computed by columns are also computed as points, and compared.
5. ``keepers`` keep the best rows, or those that no other beats; ``gather`` turns a part's rows into NumPy columns.

``function`` plays a tape in plain Python for one combination at a time, for search loops (``cnncalc.compile``).
"""
