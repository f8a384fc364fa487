"""Azure's side: OpenAI's shapes behind a deployment's URL, with the content filter's notes."""

import re

from tests.providers.scripted import Heard
from tests.providers.vendors.openai import OpenAIVendor, understood
from tests.providers.vendors.speech import Asked, Said, event


class AzureVendor(OpenAIVendor):
    def base_url(self, url: str) -> str:
        return url

    def beginning(self, said: Said) -> list[bytes]:
        verdicts = {"hate": {"filtered": False, "severity": "safe"}}
        results = [{"prompt_index": 0, "content_filter_results": verdicts}]
        first = {
            "choices": [], "created": 0, "id": "", "model": "", "object": "",
            "prompt_filter_results": results,
        }  # fmt: skip
        return [event(first), *super().beginning(said)]

    def asked(self, heard: Heard) -> Asked:
        found = re.fullmatch(
            r"/openai/deployments/([^/]+)/chat/completions\?api-version=2024-10-21", heard.path
        )
        assert found
        assert "authorization" not in heard.headers
        return understood(heard.json, heard.headers.get("api-key"), found[1])
