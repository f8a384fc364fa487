"""What vendors count beside the text is bounded per model: money is held for it."""

import pytest

from routerctl.providers import ADAPTERS


def test_an_image_on_gpt_4o_mini_is_bounded_by_what_that_model_counts():
    # 2833 tokens and 8 tiles of 5667, a 33rd of which GPT-4o counts.
    assert ADAPTERS["openai"].overhead("gpt-4o-mini-2024-07-18").per_image == 2_833 + 8 * 5_667
    assert ADAPTERS["openai"].overhead("gpt-4o-2024-08-06").per_image < 10_000


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_adapter_bounds_images_messages_and_tools(name):
    overhead = ADAPTERS[name].overhead("some-model")
    assert min(overhead.per_image, overhead.per_message, overhead.with_tools) > 0
