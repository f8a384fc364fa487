"""What a public endpoint of the machine door is."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from routerctl.wire.types import KeyFacts, ParsedCall, Renderer, Vocabulary

Parse = Callable[[bytes, Mapping[str, str], KeyFacts, Vocabulary, str], ParsedCall]


class Door(Struct, frozen=True):
    """How its requests are read and its answers written."""

    name: str
    parse: Parse
    renderer: Callable[[ParsedCall], Renderer]
    error_renderer: Callable[[], Renderer]
