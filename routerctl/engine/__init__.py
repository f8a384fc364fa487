"""The decision: pure, without I/O, clock or chance. `decide.py` is read first.

`types` has the nouns; `revision` compiles a configuration once; `classify`, `match`, `restrict`,
`score` and `ladder` are the stages, which do not call each other; `answer` writes down what they
found; `record` keeps it and decides again. To add a condition, a strategy or a dimension of the
score: one function and one line in `CONDITIONS`, `STRATEGIES` or `DIMENSIONS`.
"""
