"""`make demo`: Larkfield, an invented shop system, with people, keys, policy and traffic.

organisation   what is stored: the policy, one person per role, the API keys
traffic        a few hundred requests through the real doors, and the notice that follows
"""
