"""What a conversation contains: its texts, its pictures, the capabilities it needs."""

from msgspec import Struct

from routerctl.providers.types import (
    Message,
    ModelRequest,
    Part,
    Text,
    Thinking,
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
        _read(message.parts, found)
    found.last_user = _last_user(chat.messages)
    for tool in chat.tools:
        found.texts.append(tool.name)
        found.texts.append(tool.description)
        found.texts.append(bytes(tool.schema).decode())
    if chat.output_schema is not None and chat.output_schema.schema is not None:
        found.texts.append(bytes(chat.output_schema.schema).decode())
    return found


def _read(parts: tuple[Part, ...], found: Contents) -> None:
    for part in parts:
        if isinstance(part, Text | Thinking):
            found.texts.append(part.text)
        elif isinstance(part, ToolCall):
            found.tools = True
            found.texts.append(part.arguments)
        elif isinstance(part, ToolResult):
            found.tools = True
            _read(part.parts, found)
        else:
            found.images += 1
            if part.data is not None:
                found.image_bytes += len(part.data)
            elif part.url is not None:
                found.texts.append(part.url)


def _last_user(messages: tuple[Message, ...]) -> str:
    for message in reversed(messages):
        if message.role == "user":
            texts = [part.text for part in message.parts if isinstance(part, Text)]
            if texts:
                return texts[0] if len(texts) == 1 else "\n".join(texts)
    return ""
