"""The vendors' sides of the wire: what they say, and how they read what they are asked.

Each module has one `Vendor`. The shapes follow recorded answers, and all that a vendor says here is
parsed by its official SDK's own types before it is sent.
"""

from tests.providers.vendors.anthropic import AnthropicVendor
from tests.providers.vendors.azure import AzureVendor
from tests.providers.vendors.gemini import GeminiVendor
from tests.providers.vendors.openai import OpenAIVendor
from tests.providers.vendors.speech import Asked, Said, Vendor

VENDORS: dict[str, Vendor] = {
    "openai": OpenAIVendor(),
    "anthropic": AnthropicVendor(),
    "gemini": GeminiVendor(),
    "azure": AzureVendor(),
}

__all__ = ["VENDORS", "Asked", "Said", "Vendor"]
