"""Who calls Larkfield's features, from which apps, with what: shops, their plans and their words.

A request is the same for the same `Random`. What a caller can do wrong is here too; what vendors
do wrong is in `vendors.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

GENERATE = "/v1/generate"


@dataclass(frozen=True, slots=True)
class Post:
    """One request. `old` says that the app of the legacy key sends it."""

    path: str
    body: dict[str, Any]
    old: bool = False


@dataclass(frozen=True, slots=True)
class Shop:
    """A tenant. `size` is its share of the requests; `language` is its customers'."""

    name: str
    plan: str
    size: int
    language: str = "en"


SHOPS = (
    Shop("mirabell", "enterprise", 22, "de"),
    Shop("halden-outdoor", "enterprise", 17),
    Shop("brightloom", "pro", 11),
    Shop("juniper-books", "pro", 9),
    Shop("tessellate", "pro", 8),
    Shop("lindenhof", "pro", 7, "de"),
    Shop("oakhurst", "pro", 5),
    Shop("pelican-travel", "pro", 5),
    Shop("ferrous", "pro", 4),
    Shop("corner-cycles", "free", 4),
    Shop("kiln-and-clay", "free", 3),
    Shop("cobalt-foods", "free", 3),
    Shop("mirador", "free", 2),
    Shop("saltmarsh", "free", 2),
    Shop("papierwerk", "free", 2, "de"),
    Shop("tin-lantern", "free", 1),
    Shop("northgate-toys", "free", 1),
)
_SIZES = [shop.size for shop in SHOPS]

_CHATS = {
    "en": (
        "How do I reset my password?",
        "Where is my parcel? It should have come on Monday.",
        "I want to cancel my subscription at the end of the month.",
        "Can I change the delivery address of an order that was sent already?",
        "The app logs me out every few minutes.",
        "Do you ship to Norway, and what does it cost?",
        "The voucher from your newsletter is not accepted at checkout.",
        "Is the oak table in stock again before Christmas?",
    ),
    "de": (
        "Wie ändere ich meine Lieferadresse?",
        "Wann kommt mein Paket? Es sollte am Montag da sein.",
        "Der Gutschein aus dem Newsletter wird an der Kasse nicht angenommen.",
        "Ich möchte mein Abo zum Monatsende kündigen.",
    ),
}
_RULES = "You answer for a shop.\n" + "\n".join(
    f"{number}. {rule}"
    for number, rule in enumerate(
        (
            "Parcels take two to four working days; say so, and never promise a date.",
            "An order can be changed until it is packed; after that offer a return.",
            "Returns are free for 30 days. The money is sent back within five working days.",
            "Passwords are set anew from the sign-in page; nobody can read them out.",
            "Vouchers count once, not on sale, and not on postage.",
            "When somebody is angry, say that you are sorry first, then what happens next.",
            "When you do not know, say so and hand over to a person.",
        )
        * 4,
        start=1,
    )
)
_SAID = (
    "I am sorry for the trouble. I have looked it up: your order left the warehouse yesterday and "
    "should be with you within four working days. Is there anything else that I can do?"
)
_DISPUTES = (
    "I was charged twice for order {order}, please look into it.",
    "I returned the lamp three weeks ago and still wait for my refund. Order {order}.",
    "There is a double charge on my card for order {order}. If this goes on I call my lawyer.",
    "My refund for order {order} is short by the postage.",
)
_PRODUCTS = (
    "Lamp Ada, brass, 38 cm, dimmable, E27 socket, 24 months warranty",
    "Chair Holm, oak, stackable, 4.2 kg, seat height 46 cm",
    "Rucksack Fjell 45 l, rain cover, ventilated back, 1.6 kg",
    "Touring tyre 28 inch, puncture belt, reflex stripe",
    "Porcelain mug 0.3 l, dishwasher safe, six colours",
    "Notebook A5, dotted, 120 g paper, lies flat",
)
_REVIEWS = (
    "Nice lamp, but the box was torn.",
    "Third order, always quick, never a problem.",
    "The chair wobbles and nobody answers my mails.",
    "Farbe anders als auf dem Bild, sonst gut.",
)
_TRIAGE = {
    "type": "object",
    "properties": {
        "sentiment": {"type": "string", "enum": ["good", "bad", "mixed"]},
        "needs_reply": {"type": "boolean"},
    },
    "required": ["sentiment", "needs_reply"],
    "additionalProperties": False,
}
_CODE = """{% for product in collection.products %}
  <div class="card">{{ product.title }} {{ product.price | money }}</div>
{% endfor %}
"""


def support_chat(random: Random, shop: Shop) -> Post:
    body = _caller(random, shop, "support-chat") | {"task": "chat"}
    disputed = shop.plan != "free" and random.random() < 0.16
    texts = _DISPUTES if disputed else _CHATS[shop.language]
    text = random.choice(texts).format(order=random.randint(41000, 48999))
    if disputed:
        body["metadata"] = {"ticket": f"T-{random.randint(1000, 1999)}"}
    elif random.random() < 0.03:
        text += " You reach me at jana.weiss@mail.example or +49 170 5550199."
    if random.random() < 0.45:
        body["stream"] = True
    talk = [{"role": "system", "content": _RULES}]
    for _ in range(random.choice((0, 0, 1, 2, 4))):
        talk.append({"role": "user", "content": random.choice(_CHATS[shop.language])})
        talk.append({"role": "assistant", "content": _SAID})
    return Post(GENERATE, body | {"messages": [*talk, {"role": "user", "content": text}]})


def search_answers(random: Random, shop: Shop) -> Post:
    found = "\n".join(f"- {random.choice(_PRODUCTS)}" for _ in range(random.randint(30, 150)))
    question = random.choice(_CHATS[shop.language])
    messages = [
        {"role": "system", "content": f"Answer from these products only:\n{found}"},
        {"role": "user", "content": question},
    ]
    metadata = {"user_tier": shop.plan, "tenant": shop.name, "task_type": "chat"}
    metadata |= {"user": _user(random), "session": _session(random), **_app(random)}
    body = {"model": "feature:search-answers", "messages": messages, "metadata": metadata}
    return Post("/v1/chat/completions", body | {"stream": random.random() < 0.7})


def product_search(random: Random, shop: Shop) -> Post:
    texts = random.choices(_PRODUCTS, k=random.choice((1, 1, 1, 12)))
    metadata = {"tenant": shop.name, "feature": "product-search", "app": "larkfield-web"}
    body = {"model": "task:embedding", "input": texts, "metadata": metadata}
    return Post("/v1/embeddings", body)


def product_copy(random: Random, shop: Shop) -> Post:
    text = "Write a product text of two paragraphs from these facts:\n"
    facts = "\n".join(random.choices(_PRODUCTS, k=random.randint(2, 6)))
    metadata = {"feature": "product-copy", "user_tier": shop.plan, "tenant": shop.name}
    metadata |= {"app": "backoffice", "app_version": "2.8.0", "user": _user(random)}
    body = {
        "model": "auto",
        "max_tokens": 900,
        "messages": [{"role": "user", "content": text + facts}],
        "stream": True,
        "temperature": 0.8,
    }
    return Post("/v1/messages", body | {"metadata": metadata})


def order_summary(random: Random, shop: Shop) -> Post:
    body = _job(shop, "order-summary") | {"task": "summary"}
    lines = "\n".join(
        f"{random.randint(1, 9)} x {random.choice(_PRODUCTS)}"
        for _ in range(random.randint(10, 200))
    )
    return Post(GENERATE, body | {"input": f"Summarize this order for the warehouse:\n{lines}"})


def review_triage(random: Random, shop: Shop) -> Post:
    body = _job(shop, "review-triage") | {"task": "classification"}
    body |= {"session": _session(random), "input": random.choice(_REVIEWS)}
    return Post(GENERATE, body if random.random() < 0.3 else body | {"output_schema": _TRIAGE})


def returns_desk(random: Random, shop: Shop) -> Post:
    body = _caller(random, shop, "returns-desk") | {"task": "extraction", "residency": "eu"}
    body |= {"sensitivity": "pii", "app": "backoffice", "app_version": "2.8.0"}
    text = (
        f"Find the order number, the reason and where to send the money: order "
        f"{random.randint(41000, 48999)}, the lamp came broken, please pay to "
        f"DE89 3704 0044 0532 0130 00, Jana Weiss, jana.weiss@mail.example"
    )
    return Post(GENERATE, body | {"input": text})


def theme_code(random: Random, shop: Shop) -> Post:
    body = _caller(random, shop, "theme-code") | {"task": "coding", "stream": True}
    body |= {"app": "theme-studio", "app_version": random.choice(("1.3.0", "1.4.0"))}
    ask = "Show the old price struck through when there is a discount. Optimize for mobile.\n"
    return Post(GENERATE, body | {"input": ask + _CODE * random.randint(20, 200)})


def old_app(random: Random, shop: Shop) -> Post:
    """A version of the app that still names its model; its key is legacy."""
    version = random.choice(("1.9.2", "1.9.2", "1.8.0"))
    metadata = {"app": "larkfield-ios", "app_version": version, "feature": "support-chat"}
    body = {
        "model": "gpt-3.5-turbo",
        "messages": [{"role": "user", "content": random.choice(_CHATS[shop.language])}],
        "metadata": metadata | {"tenant": shop.name, "user_tier": shop.plan},
    }
    return Post("/v1/chat/completions", body, old=True)


def mistake(random: Random, shop: Shop) -> Post:
    """What callers do wrong on an ordinary day."""
    body = _caller(random, shop, "support-chat") | {"task": "chat"}
    text = random.choice(_CHATS["en"])
    wrong: dict[str, Any] = random.choice(
        (
            {"input": "Why is my key sk-proj-Zq8vT3nLk29XwPfR71mCdB56yHsEaGuJ refused?"},
            {"input": "Zeig mir das Bild", "residency": "eu", "output_schema": _TRIAGE},
            {"input": text, "task": "summary", "residency": "eu"},
            {"input": text, "model": "gpt-4o"},
            {"input": text, "task": "poetry"},
            {"input": f"{text} [mock refuse]", "plan": "pro"},
        )
    )
    return Post(GENERATE, body | wrong)


FEATURES: dict[str, Callable[[Random, Shop], Post]] = {
    "support-chat": support_chat,
    "search-answers": search_answers,
    "product-search": product_search,
    "product-copy": product_copy,
    "order-summary": order_summary,
    "review-triage": review_triage,
    "returns-desk": returns_desk,
    "theme-code": theme_code,
    "old app": old_app,
    "mistake": mistake,
}
"""What is asked for, by name; the last two are no features."""


def shop_for(random: Random, asked: str) -> Shop:
    """Whose request it is. Code and product texts are not in the free plan."""
    shop = random.choices(SHOPS, _SIZES)[0]
    while shop.plan == "free" and asked in ("theme-code", "product-copy", "returns-desk"):
        shop = random.choices(SHOPS, _SIZES)[0]
    return shop


def _caller(random: Random, shop: Shop, feature: str) -> dict[str, Any]:
    return {
        "feature": feature,
        "plan": shop.plan,
        "tenant": shop.name,
        "user": _user(random),
        "session": _session(random),
        **_app(random),
    }


def _job(shop: Shop, feature: str) -> dict[str, Any]:
    app = {"app": "night-jobs", "app_version": "4.0.1", "latency_class": "batch"}
    return {"feature": feature, "plan": shop.plan, "tenant": shop.name, **app}


def _user(random: Random) -> str:
    return f"u_{random.randint(100, 999)}"


def _session(random: Random) -> str:
    return f"s_{random.randint(1000, 9999)}"


_APPS = (
    ("larkfield-web", "5.2.0", 50),
    ("larkfield-web", "5.1.0", 12),
    ("larkfield-ios", "3.2.0", 18),
    ("larkfield-ios", "3.1.4", 5),
    ("larkfield-android", "3.2.0", 15),
)


def _app(random: Random) -> dict[str, str]:
    app, version, _ = random.choices(_APPS, [share for _, _, share in _APPS])[0]
    return {"app": app, "app_version": version}
