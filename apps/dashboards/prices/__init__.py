"""Prices: what every deployment costs, and what feeds and people propose it should."""
