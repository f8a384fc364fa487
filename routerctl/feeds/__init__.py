"""Prices that others publish: the data of `genai-prices`, and files in LiteLLM's format.

A feed is read by `python -m routerctl.feeds`, a process of its own that ends when it is done: the
data is megabytes of objects, and loading it would hold up the requests that this process serves.
`read` asks that process; nothing else here is for other packages, but the values.
"""

from routerctl.feeds.ask import read
from routerctl.feeds.values import FEEDS, Order, Quote, Reading, Unreadable, Wanted

__all__ = ["FEEDS", "Order", "Quote", "Reading", "Unreadable", "Wanted", "read"]
