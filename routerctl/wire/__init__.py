"""The three public wire formats, as pure translation: bytes in, neutral values out, and back.

A door is a package with `parse`, `renderer` and `error_renderer`: `native`, `openai`, `anthropic`.
What they share is read in the order of a request: `strict` (JSON), `overrides` (fields that would
choose a model), `claims` and `spoken` (what a caller says about its request), `contents` (what a
conversation contains), `assemble` (the parsed call). `rewrite` changes texts before they are sent.
"""
