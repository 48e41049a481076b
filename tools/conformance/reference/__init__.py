"""Second implementations of spec/, each written from one page, that share nothing with ``ddcodec``.

They are plain and slow: they prove that the specification suffices, and the vectors in
spec/vectors come from them. Nothing here imports ``ddcodec`` (a test holds it to that); of its
files only the normative tables, the dictionary of headers and the packaged prior are read, by
their paths.

- ``container``, ``canonical``: the file and its header (spec/ddz.md);
- ``head``: what a decoder must know (spec/table.md, section 1);
- ``table``: what sections make up a table (spec/table.md);
- ``draws``: stored views (spec/codecs.md, section 12);
- ``codecs``, ``probabilities``, ``randomness``: sections to arrays (spec/codecs.md);
- ``av1``, ``mosaics``: pictures of patches (spec/codecs.md, section 5);
- ``entropy``, ``packed``: streams of integers (spec/entropy.md; spec/labels.md, section 3);
- ``label_codecs``, ``features``, ``labels``: soft labels in layers (spec/labels.md);
- ``synthesis``: resampling, layouts and views (spec/synthesis.md);
- ``tables``: the normative tables, from nothing (spec/tables.md);
- ``grids``, ``elementary``, ``exact``: exact execution of networks (spec/exact.md);
- ``tokens``, ``networks``, ``prior``: what the packaged prior generates (spec/prior.md);
- ``teacher``: stored teachers (spec/teacher.md);
- ``artifact``: the image and the label of each row of a file, of all these;
- ``arrays``, ``refusal``: nested lists of raw bytes, and errors, which several of these need.
"""
