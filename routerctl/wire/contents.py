"""What a conversation contains: its texts, its pictures, the capabilities it needs."""

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
