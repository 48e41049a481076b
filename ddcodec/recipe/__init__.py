"""The head of an artifact as plain, validated data: what a decoder must do (spec/table.md).

Every value is checked when it is constructed, whether it comes from a file or from an encoder.
Nothing here computes a pixel or a label.
"""
