"""The open table class x slot x view: which sections hold it, and their decoded arrays.

``kinds`` says what each kind of section is, ``boxes`` whether boxes tile the table, ``table``
decodes on demand, ``draws`` draws the views of rows, ``slots`` divides rows into sections.
"""
