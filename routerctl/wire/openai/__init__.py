"""The OpenAI-shaped door: chat completions, embeddings, the list of what may be asked for."""

from msgspec.json import encode

from routerctl.wire.openai.answer import ChatRenderer
from routerctl.wire.openai.embeddings import EmbeddingRenderer, parse_embeddings
from routerctl.wire.openai.request import parse
from routerctl.wire.types import ParsedCall, Renderer, Vocabulary

__all__ = ["error_renderer", "models", "parse", "parse_embeddings", "renderer"]


def renderer(call: ParsedCall) -> Renderer:
    if call.embedding is not None:
        return EmbeddingRenderer(call.embedding.base64)
    return ChatRenderer(call.stream, call.include_usage)


def error_renderer() -> Renderer:
    """For requests that failed before they were understood."""
    return ChatRenderer()


def models(words: Vocabulary) -> bytes:
    """What may stand in `model`: `auto`, the tasks, the features."""
    names = ["auto"]
    names += [f"task:{task}" for task in sorted(words.tasks)]
    names += [f"feature:{feature}" for feature in sorted(words.features)]
    data = [{"id": n, "object": "model", "created": 0, "owned_by": "routerctl"} for n in names]
    return encode({"object": "list", "data": data})
