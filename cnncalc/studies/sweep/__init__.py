"""The figures of very many variants of one network.

What happens, in order, and the file that does it:

1. ``values`` reads what varies from texts, ``grid`` combines it, and ``sampling`` draws some of the combinations.
   None of them is made before it is asked for.
2. ``where`` compiles a condition on the rows; what it says of arguments alone is decided before a network is built.
3. ``jobs`` cuts the sweep into parts and yields them in order, computed by this process (``Work``) or by an engine:
   ``processes`` of this machine, or a Dask ``cluster``, whose workers must have the same code (``identity``).
4. A part is a ``window`` of the grid.  Its networks are computed in one of three ways, which give the same figures:

   * ``points``: the plain way, which builds the network and counts it;
   * ``folding``: a block that was expanded before with the same arguments and shapes (``foldable``) is not expanded
     again, but stands in the network with the sums of its layers;
   * ``columns``: one network is built on ``traced`` numbers, which write all arithmetic on a ``tape``; ``layout`` says
     which of its numbers are figures; a ``program`` repeats the tape with NumPy on all values of the ``axes`` at once.
     Comparisons that came out are guards: combinations for which they don't hold get another trace.

   Some rows that were computed by columns are computed the plain way as well, and compared.
5. ``keepers`` keep the best rows, or those that no other beats; ``gather`` makes NumPy's columns of a part's rows.

``function`` plays a tape in plain Python for one combination at a time, for search loops (``cnncalc.compile``).
"""
