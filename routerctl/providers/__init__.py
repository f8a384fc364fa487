"""Providers: one adapter per vendor's wire format, and the one transport to all of them.

Adding a vendor is one module with an `Adapter` and one line in `ADAPTERS`.
"""

from routerctl.providers.anthropic import Anthropic
from routerctl.providers.azure import Azure
from routerctl.providers.gemini import Gemini
from routerctl.providers.openai import OpenAI
from routerctl.providers.ports import Adapter

ADAPTERS: dict[str, Adapter] = {
    "openai": OpenAI(),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
    "azure": Azure(),
}
