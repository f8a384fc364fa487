"""Text in, labels and redacted text out.

Two passes. One scan by a single automaton over the whole text says which detectors have anything
to look for (`scanner`); in ordinary prose none has, and that was all. The detectors named by a
hint then look closely, with checksums (`secrets`, `personal`). Every expression is RE2's, whose
time is linear in the text, whoever wrote text or pattern.
"""
