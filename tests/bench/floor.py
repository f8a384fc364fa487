"""A bare proxy on the same server and the same client: the floor for this stack. Checks a key,
swaps the model, passes the bytes on. `uvicorn floor:app`; UPSTREAM names the provider's origin."""

import hashlib
import os
from ipaddress import ip_network

import msgspec

from routerctl.providers.ports import UpstreamRequest
from routerctl.providers.transport import Transport
from routerctl.serving import rest_the_collector

URL = os.environ["UPSTREAM"] + "/v1/chat/completions"
HEADERS = {"authorization": "Bearer sk-upstream", "content-type": "application/json"}
KEYS = {hashlib.sha256(os.environ["FLOOR_KEY"].encode()).digest()}
JSON, SSE = (b"content-type", b"application/json"), (b"content-type", b"text/event-stream")
MODEL = msgspec.Raw(b'"bench"')
decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
encode = msgspec.json.encode
rest_the_collector()
transport = Transport([ip_network("127.0.0.0/8")])


async def app(scope, receive, send):
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
    request = UpstreamRequest(URL, HEADERS, encode(fields))
    if bytes(fields.get("stream", b"")) != b"true":
        response = await transport.send(request, connect_ms=3000, total_ms=60000)
        await answer(send, response.status, response.body)
        return
    stream = await transport.open(request, connect_ms=3000, first_byte_ms=60000)
    await send({"type": "http.response.start", "status": stream.status, "headers": [SSE]})
    while (chunk := await stream.read(60000)) is not None:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await stream.close()
    await send({"type": "http.response.body", "body": b""})


async def answer(send, status, body):
    headers = [JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
