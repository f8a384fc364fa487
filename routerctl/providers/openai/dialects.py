"""Where OpenAI-compatible vendors differ, as data.

The dialect is chosen by the base URL's host, or by the provider attribute `dialect` (a key of
`DIALECTS`) for a vendor behind another name. The attributes `max_tokens_field`,
`stream_usage` and `json_schema` override one point of it. A host that nobody listed is taken
for a plain compatible server.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct


class Dialect(Struct, frozen=True):
    """`renamed` spells neutral parameters in the vendor's way; `unknown` are those it does not
    have."""

    max_tokens_field: str = "max_tokens"
    stream_usage: bool = True
    """Knows `stream_options`; the others send usage unasked."""
    json_schema: bool = True
    """Takes a schema as response format; to the others it is described in the system text."""
    strict: bool = True
    """Knows `strict` on tools."""
    echo_reasoning: bool = False
    """Wants its `reasoning_content` back in later turns."""
    nine_character_ids: bool = False
    """Tool call ids are nine letters and digits, nothing else."""
    renamed: Mapping[str, str] = {}
    unknown: frozenset[str] = frozenset()
    reasoning_models: str = r"(?!)"
    """Pattern of the model ids that reason, and refuse `refused_when_reasoning`."""
    refused_when_reasoning: frozenset[str] = frozenset()
    only_when_reasoning: frozenset[str] = frozenset()

    def lacks(self, model: str, parameter: str) -> bool:
        """Whether the vendor would refuse `parameter` for `model`."""
        if parameter in self.unknown:
            return True
        if re.match(self.reasoning_models, model):
            return parameter in self.refused_when_reasoning
        return parameter in self.only_when_reasoning


_NOBODY_HAS = frozenset(("thinking_budget_tokens",))
_PLAIN = _NOBODY_HAS | {"top_k"}
_SAMPLING = frozenset(
    [
        "temperature",
        "top_p",
        "stop",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
    ]
)

OPENAI = Dialect(
    max_tokens_field="max_completion_tokens",
    unknown=_PLAIN,
    reasoning_models=r"(ft:)?(o\d|gpt-[5-9](?!.*-chat)|codex)",
    refused_when_reasoning=_SAMPLING,
    only_when_reasoning=frozenset(("reasoning_effort", "verbosity")),
)

DIALECTS: dict[str, Dialect] = {
    "openai": OPENAI,
    "compatible": Dialect(unknown=_PLAIN),
    "vllm": Dialect(unknown=_NOBODY_HAS),
    "ollama": Dialect(strict=False, unknown=_PLAIN | {"logit_bias", "verbosity"}),
    "xai": Dialect(
        max_tokens_field="max_completion_tokens",
        unknown=_PLAIN | {"logit_bias", "verbosity"},
        reasoning_models=r"grok-(3-mini|[4-9](?!.*non-reasoning)|code)",
        refused_when_reasoning=frozenset(("stop", "presence_penalty", "frequency_penalty")),
        only_when_reasoning=frozenset(("reasoning_effort",)),
    ),
    "moonshot": Dialect(
        json_schema=False,
        strict=False,
        echo_reasoning=True,
        unknown=_PLAIN
        | {"logit_bias", "logprobs", "top_logprobs", "reasoning_effort", "verbosity", "seed"},
    ),
    "mistral": Dialect(
        stream_usage=False,
        nine_character_ids=True,
        renamed={"seed": "random_seed"},
        unknown=_PLAIN
        | {"logit_bias", "logprobs", "top_logprobs", "reasoning_effort", "verbosity"},
    ),
    "deepseek": Dialect(
        json_schema=False,
        strict=False,
        echo_reasoning=True,
        unknown=_PLAIN | {"logit_bias", "seed", "verbosity", "reasoning_effort"},
        reasoning_models=r"deepseek-reasoner",
        refused_when_reasoning=_SAMPLING - {"stop"},
    ),
    "openrouter": Dialect(unknown=_NOBODY_HAS),
}

_BY_HOST = {
    "api.openai.com": "openai",
    "eu.api.openai.com": "openai",
    "us.api.openai.com": "openai",
    "api.x.ai": "xai",
    "api.moonshot.ai": "moonshot",
    "api.moonshot.cn": "moonshot",
    "api.mistral.ai": "mistral",
    "codestral.mistral.ai": "mistral",
    "api.deepseek.com": "deepseek",
    "openrouter.ai": "openrouter",
}


def dialect_of(base_url: str, attributes: Mapping[str, bool | str]) -> Dialect:
    """How the server at `base_url` speaks. Never raises: unknown words mean "compatible"."""
    said = attributes.get
    return _dialect(
        base_url,
        said("dialect"),
        said("max_tokens_field"),
        said("stream_usage"),
        said("json_schema"),
    )


@lru_cache(maxsize=1024)
def _dialect(
    base_url: str,
    name: bool | str | None,
    max_tokens_field: bool | str | None,
    stream_usage: bool | str | None,
    json_schema: bool | str | None,
) -> Dialect:
    if not isinstance(name, str) or name not in DIALECTS:
        name = _BY_HOST.get(urlsplit(base_url).hostname or "", "compatible")
    points = {"stream_usage": stream_usage, "json_schema": json_schema}
    changes: dict[str, bool | str] = {key: on for key, on in points.items() if isinstance(on, bool)}
    if max_tokens_field and isinstance(max_tokens_field, str):
        changes["max_tokens_field"] = max_tokens_field
    return msgspec.structs.replace(DIALECTS[name], **changes)
