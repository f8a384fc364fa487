"""What an adapter writes, without a socket: for what only one vendor has."""

from typing import Any

import msgspec
from msgspec import Raw

from routerctl.providers import ADAPTERS
from routerctl.providers.ports import Target, UpstreamRequest
from routerctl.providers.types import Message, ModelRequest, Text

HOSTS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "azure": "https://example.openai.azure.com",
}


def ask(*parts: Any, role: Any = "user", **more: Any) -> ModelRequest:
    """One message of `parts`; `more` are fields of the request, parameters as Python values."""
    params = {
        name: Raw(msgspec.json.encode(value)) for name, value in more.pop("params", {}).items()
    }
    messages = (Message(role, parts or (Text("Hi"),)),)
    fields = {"messages": messages, "max_output_tokens": 4000, "params": params, **more}
    return ModelRequest(**fields)


def written(
    adapter: str, model: str, request: ModelRequest, base_url: str | None = None, **attributes: Any
) -> tuple[dict[str, Any], UpstreamRequest]:
    """The body that goes to `model`, decoded, and the whole request."""
    target = Target(base_url or HOSTS[adapter], "sk-test", model, attributes)
    upstream = ADAPTERS[adapter].chat(target, request)
    return msgspec.json.decode(upstream.body), upstream
