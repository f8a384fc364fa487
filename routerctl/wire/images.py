"""Pictures as clients send them: a web address, or the bytes in base64."""

from routerctl.providers.types import Image
from routerctl.wire.strict import invalid

MEDIA_TYPES = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp"))


def from_url(url: str, detail: str | None, path: str) -> Image:
    """The picture at `url`, which may be a `data:` URL. Raises RouterError invalid_request."""
    if url[:5].lower() == "data:":
        head, comma, data = url.partition(",")
        media_type, _, encoding = head[5:].partition(";")
        if not comma or encoding.lower() != "base64":
            raise invalid("A data: URL must be data:image/...;base64,...", path)
        return from_base64(media_type.lower(), data, path, detail)
    if not url[:8].lower().startswith(("https://", "http://")):
        raise invalid("A picture is an http(s) address or a data: URL.", path)
    return Image(url=url, detail=detail)


def from_base64(media_type: str, data: str, path: str, detail: str | None = None) -> Image:
    if media_type not in MEDIA_TYPES:
        raise invalid(f"Pictures are one of {', '.join(sorted(MEDIA_TYPES))}.", path)
    if not data:
        raise invalid("The picture is empty.", path)
    return Image(media_type=media_type, data=data, detail=detail)
