"""What a conversation contains: its texts, its pictures, the capabilities it needs."""

from itertools import pairwise

from msgspec import Struct, json

from routerctl.providers.types import (
    Image,
    Message,
    ModelRequest,
    Part,
    Text,
    ToolCall,
    ToolResult,
)


class Contents(Struct):
    """`texts` is every piece of text that would be sent; `last_user` the last user message's;
    `image_bytes` counts base64 characters, which are no text."""

    texts: list[str]
    last_user: str = ""
    images: int = 0
    image_bytes: int = 0
    tools: bool = False

    def needs(self, chat: ModelRequest) -> tuple[str, ...]:
        """The capabilities without which the answer to `chat` would be wrong."""
        needs = []
        if self.tools or chat.tools:
            needs.append("tools")
        if chat.output_schema is not None:
            needs.append("schema")
        if self.images:
            needs.append("images")
        return tuple(needs)


def contents_of(chat: ModelRequest) -> Contents:
    found = Contents([part.text for part in chat.system])
    for message in chat.messages:
        for part in message.parts:
            if isinstance(part, Text):
                found.texts.append(part.text)
            else:
                _read(part, found)
    found.last_user = _last_user(chat.messages)
    for tool in chat.tools:
        found.texts += (tool.name, tool.description, bytes(tool.schema).decode())
    if chat.output_schema is not None and chat.output_schema.schema is not None:
        found.texts.append(bytes(chat.output_schema.schema).decode())
    return found


def turns_of(messages: tuple[Message, ...]) -> list[tuple[Message, ...]]:
    """The turns which could be left out, the oldest first: each begins with something that the
    user said and ends before the next; the last one, which is to be answered, is not among them.
    A tool's result stays with its call."""
    begins = [place for place, message in enumerate(messages) if _is_said_by_user(message)]
    if len(begins) < 2:
        return []
    starts = [0, *begins[1:]]
    return [messages[start:end] for start, end in pairwise(starts)]


def turn_bytes(messages: tuple[Message, ...]) -> tuple[int, ...]:
    """At least so many bytes of the request are each of `turns_of`: the UTF-8 of their texts."""
    if len(messages) < 3:
        return ()
    return tuple(sum(_text_bytes(message) for message in turn) for turn in turns_of(messages))


def _is_said_by_user(message: Message) -> bool:
    return message.role == "user" and not any(
        isinstance(part, ToolResult) for part in message.parts
    )


def _text_bytes(message: Message) -> int:
    return sum(len(part.text.encode()) for part in message.parts if isinstance(part, Text))


def _read(part: Part, found: Contents) -> None:
    if isinstance(part, ToolCall):
        found.tools = True
        found.texts += (part.name, _unescaped(part.arguments))
    elif isinstance(part, ToolResult):
        found.tools = True
        for shown in part.parts:
            _read(shown, found)
    elif isinstance(part, Image):
        found.images += 1
        if part.data is not None:
            found.image_bytes += len(part.data)
        elif part.url is not None:
            found.texts.append(part.url)
    else:
        found.texts.append(part.text)


def _unescaped(arguments: str) -> str:
    """JSON text in which every character stands for itself: `\\u0040` hides no e-mail address."""
    if "\\u" not in arguments:
        return arguments
    try:
        return json.encode(json.decode(arguments)).decode()
    except (ValueError, RecursionError):
        return arguments


def _last_user(messages: tuple[Message, ...]) -> str:
    for message in reversed(messages):
        if message.role == "user":
            texts = [part.text for part in message.parts if isinstance(part, Text)]
            if texts:
                return texts[0] if len(texts) == 1 else "\n".join(texts)
    return ""
