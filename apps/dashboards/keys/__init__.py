"""The pages of API keys: who may call us, in whose name, and for how long.

A token is in one answer alone, that of the form which made it: in no message, session or log.
"""
