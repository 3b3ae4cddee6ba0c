"""Sentences of the page *Explain* that say how far to believe it."""

from app import explain_words as words


def test_attention_is_trusted_as_far_as_figures_say():
    assert "agrees with what counts" in words.trust(0.8, 2.0, 1.0)
    assert "its order is not to be trusted" in words.trust(0.3, 2.0, 1.0)
    assert "is not to be trusted here" in words.trust(0.8, 1.0, 2.0)
    assert words.trust(None, None, None) == "This policy has no attention."


def test_what_was_lifted_is_counted():
    assert words.named(1, 0, together=False) == "1 constraint was named and lifted."
    text = words.named(12, 3, together=True)
    assert "12 constraints were named" in text
    assert "3 stood for a reason" in text
    assert "agent type" in text


def test_pools_that_are_bound_together_are_named():
    assert "not 5." in words.bound(["cooldown"], 4, 5, ("chat",))
    assert "to own and shared together" in words.bound(["cooldown"], 4, 5, ("own", "shared"))
