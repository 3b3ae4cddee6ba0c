"""The rule or the learned policy: whichever replays better on the operator's recent past.

Both are replayed on what arrived strictly before the moment of choice, pool by pool. The learned
policy is used where it was clearly cheaper without more requests missed; everywhere else, and as
long as too little is known, the rule decides.
"""
