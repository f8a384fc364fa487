"""The Anthropic-shaped door, `POST /v1/messages`."""

from routerctl.wire.anthropic.answer import MessageRenderer
from routerctl.wire.anthropic.request import parse
from routerctl.wire.types import ParsedCall, Renderer

__all__ = ["error_renderer", "parse", "renderer"]


def renderer(call: ParsedCall) -> Renderer:
    return MessageRenderer(call.stream)


def error_renderer() -> Renderer:
    """For requests that failed before they were understood."""
    return MessageRenderer()
