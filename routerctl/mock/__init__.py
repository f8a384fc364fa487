"""Scripted providers: one process that speaks the three vendors' wire formats.

    python -m routerctl.mock --port 9100

The first segment of a path names the provider, whatever it is called; the rest says which wire
format is spoken (`/…/chat/completions`, `/…/embeddings`, `/…/messages`, `/…:generateContent`).
What happens is scripted by the model's name or by a marker in the last user message; see
`script.py`. `GET /calls` tells what was received, `DELETE /calls` forgets it. Demo, tests and
screenshots use it; it holds no secret and answers nobody's questions.
"""
