"""Why a policy did what it did: records, sentences made from them, checks, what-if branches.

Everything here is a function of a stored run, or of its deterministic re-execution.
"""
