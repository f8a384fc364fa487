"""The native door, `POST /v1/generate`: the whole contract and nothing of any vendor."""

from routerctl.wire.native.answer import NativeRenderer
from routerctl.wire.native.request import parse
from routerctl.wire.types import ParsedCall, Renderer

__all__ = ["error_renderer", "parse", "renderer"]


def renderer(call: ParsedCall) -> Renderer:
    return NativeRenderer(call.stream)


def error_renderer() -> Renderer:
    """For requests that failed before they were understood."""
    return NativeRenderer()
