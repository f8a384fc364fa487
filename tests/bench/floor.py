"""A bare proxy on the same server and client: the floor for this stack. Checks a key, swaps the
model, passes the bytes on. `uvicorn floor:app`; UPSTREAM names the provider's origin."""

import hashlib
import os

import msgspec
from pyreqwest.client import Client, ClientBuilder

URL = os.environ["UPSTREAM"] + "/v1/chat/completions"
HEADERS = {"authorization": "Bearer sk-upstream", "content-type": "application/json"}
KEYS = {hashlib.sha256(os.environ["FLOOR_KEY"].encode()).digest()}
MODEL = msgspec.Raw(b'"bench"')
decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
encode = msgspec.json.encode
client: Client | None = None


async def app(scope, receive, send):
    global client
    if client is None:
        client = ClientBuilder().pool_max_idle_per_host(256).no_proxy().build()
    token = next((v[7:] for k, v in scope["headers"] if k == b"authorization"), b"")
    if hashlib.sha256(token).digest() not in KEYS:
        await answer(send, 401, b"{}")
        return
    message = await receive()
    raw = message["body"]
    while message.get("more_body"):
        message = await receive()
        raw += message["body"]
    fields = decode(raw)
    fields["model"] = MODEL
    request = client.post(URL).headers(HEADERS).body_bytes(encode(fields))
    if fields.get("stream") != b"true":
        response = await request.build().send()
        await answer(send, response.status, bytes(await response.bytes()))
        return
    async with request.streamed_read_buffer_limit(0).build_streamed() as response:
        await send({"type": "http.response.start", "status": response.status,
                    "headers": [(b"content-type", b"text/event-stream")]})  # fmt: skip
        while (chunk := await response.body_reader.read_chunk()) is not None:
            await send({"type": "http.response.body", "body": bytes(chunk), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def answer(send, status, body):
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
