"""A neutral conversation as the JSON of the Messages API."""

from typing import Any

import msgspec

from routerctl.providers.anthropic.generations import Generation, generation
from routerctl.providers.conversation import (
    arguments_object,
    param,
    portable_id,
    schema_in_words,
    stop_sequences,
    turns,
)
from routerctl.providers.schemas import compilable
from routerctl.providers.types import (
    Image,
    ModelRequest,
    OutputSchema,
    Part,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

Json = dict[str, Any]

ANSWER_TOOL = "routerctl_answer"
"""Generations without structured outputs are made to call this tool; its input is the answer."""
REDACTED = "redacted:"
"""Before the data of a redacted thinking block, which is kept as a signature without text."""

_MIN_BUDGET = 1024
_MAX_TEMPERATURE = 1.0
_CACHE = {"type": "ephemeral"}
_EFFORTS = {"minimal": "low"} | {
    level: level for level in ("low", "medium", "high", "xhigh", "max")
}

_encode = msgspec.json.Encoder().encode


def chat_body(model: str, request: ModelRequest) -> tuple[bytes, tuple[str, ...]]:
    """The body of one call and the names of what was left out of it."""
    able = generation(model)
    dropped: list[str] = []
    body: Json = {"model": model, "max_tokens": request.max_output_tokens}
    if request.stream:
        body["stream"] = True
    if request.system:
        body["system"] = [_text(block) for block in request.system if block.text]
    body["messages"] = _messages(request)
    if request.tools:
        body["tools"] = [_tool(tool, able, dropped) for tool in request.tools]
        body.update(_tool_choice(request.tool_choice))
    if request.output_schema is not None:
        _bind(body, request.output_schema, able)
    _think(body, request, able, dropped)
    _sample(body, request, able, dropped)
    return _encode(body), tuple(dropped)


# --------------------------------------------------------------------------- messages


def _messages(request: ModelRequest) -> list[Json]:
    messages: list[Json] = []
    for role, parts in turns(request.messages):
        blocks = [block for part in parts if (block := _block(part)) is not None]
        if blocks:
            messages.append({"role": role, "content": blocks})
    last = messages[-1] if messages else None
    if last is not None and last["role"] == "assistant" and last["content"][-1]["type"] == "text":
        # A prefill that ends in white space is refused.
        last["content"][-1]["text"] = last["content"][-1]["text"].rstrip()
    return messages


def _block(part: Part) -> Json | None:
    """None for what the vendor would refuse: empty text, and the thoughts of others."""
    if isinstance(part, Text):
        return _text(part) if part.text else None
    if isinstance(part, Image):
        return _image(part)
    if isinstance(part, ToolCall):
        return {
            "type": "tool_use",
            "id": portable_id(part.id),
            "name": part.name,
            "input": arguments_object(part.arguments),
        }
    if isinstance(part, ToolResult):
        return _tool_result(part)
    return _thinking(part)


def _text(part: Text) -> Json:
    if part.cache:
        return {"type": "text", "text": part.text, "cache_control": _CACHE}
    return {"type": "text", "text": part.text}


def _image(image: Image) -> Json:
    if image.url:
        return {"type": "image", "source": {"type": "url", "url": image.url}}
    source = {"type": "base64", "media_type": image.media_type or "image/png", "data": image.data}
    return {"type": "image", "source": source}


def _thinking(part: Thinking) -> Json | None:
    signature = part.signature
    if not signature or signature.startswith("gemini:"):
        return None
    if signature.startswith(REDACTED):
        return {"type": "redacted_thinking", "data": signature.removeprefix(REDACTED)}
    return {"type": "thinking", "thinking": part.text, "signature": signature}


def _tool_result(result: ToolResult) -> Json:
    block: Json = {"type": "tool_result", "tool_use_id": portable_id(result.call_id)}
    content = [inner for part in result.parts if (inner := _block(part)) is not None]
    if content:
        block["content"] = content
    if result.is_error:
        block["is_error"] = True
    return block


# --------------------------------------------------------------------------- tools, schema


def _tool(tool: Tool, able: Generation, dropped: list[str]) -> Json:
    spec: Json = {"name": tool.name, "input_schema": tool.schema}
    if tool.description:
        spec["description"] = tool.description
    if tool.strict and able.schema:
        spec["strict"] = True
    elif tool.strict and "strict" not in dropped:
        dropped.append("strict")
    return spec


def _tool_choice(choice: ToolChoice | None) -> Json:
    if choice is None:
        return {}
    kind: Json = {"type": "any" if choice.mode == "required" else choice.mode}
    if choice.mode == "tool":
        kind["name"] = choice.name
    if choice.parallel is False and choice.mode != "none":
        kind["disable_parallel_tool_use"] = True
    return {"tool_choice": kind}


def _bind(body: Json, output: OutputSchema, able: Generation) -> None:
    """Make the answer JSON of `output`'s schema, by the best means this generation has."""
    if output.schema is None:
        body.setdefault("system", []).append({"type": "text", "text": schema_in_words(output)})
    elif able.schema:
        schema = {"type": "json_schema", "schema": compilable(output.schema)}
        body["output_config"] = {"format": schema}
    else:
        tool = {
            "name": ANSWER_TOOL,
            "description": "Gives the final answer.",
            "input_schema": output.schema,
        }
        may_call = "tools" in body and body.get("tool_choice", {}).get("type") != "none"
        body["tools"] = [*body.get("tools", ()), tool]
        body["tool_choice"] = {"type": "any"} if may_call else {"type": "tool", "name": ANSWER_TOOL}


# --------------------------------------------------------------------------- parameters


def _think(body: Json, request: ModelRequest, able: Generation, dropped: list[str]) -> None:
    """A budget or an effort, in the one spelling which this generation has."""
    budget = effort = None
    if "thinking_budget_tokens" in request.params:
        budget = param(request, "thinking_budget_tokens", int)
    if "reasoning_effort" in request.params:
        effort = param(request, "reasoning_effort", str)
    forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
    if able.adaptive:
        _think_adaptively(body, budget, effort, forced=forced)
        return
    if effort is not None:
        dropped.append("reasoning_effort")
    if budget is None or budget <= 0:
        return
    budget = min(budget, request.max_output_tokens - 1)
    if not able.budget or forced or budget < _MIN_BUDGET:
        dropped.append("thinking_budget_tokens")
    else:
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}


def _think_adaptively(body: Json, budget: int | None, effort: str | None, *, forced: bool) -> None:
    if budget == 0 or effort == "none":
        body["thinking"] = {"type": "disabled"}
    elif (budget or effort) and not forced:
        body["thinking"] = {"type": "adaptive"}
    if level := _EFFORTS.get(effort or ""):
        body.setdefault("output_config", {})["effort"] = level


def _sample(body: Json, request: ModelRequest, able: Generation, dropped: list[str]) -> None:
    thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    samples = able.sampling and not thinks  # thinking goes with the default sampling only
    for name in request.params:
        if name in ("thinking_budget_tokens", "reasoning_effort"):
            continue
        if name == "stop":
            if sequences := [text for text in stop_sequences(request) if text.strip()]:
                body["stop_sequences"] = sequences
        elif name == "temperature" and samples:
            body["temperature"] = min(param(request, name, float), _MAX_TEMPERATURE)
        elif name == "top_k" and samples:
            body["top_k"] = request.params[name]
        elif name == "top_p" and samples and not _collides(request, able):
            body["top_p"] = request.params[name]
        else:
            dropped.append(name)


def _collides(request: ModelRequest, able: Generation) -> bool:
    return able.one_sampler and "temperature" in request.params
