"""The encoder of soft labels: fits fields and innovations at the student's temperature.

Nothing here is normative; any choice of integers decodes (spec/labels.md). ``encoder`` is the
way in.
"""
