"""Sentences of the page *Explain* that say how far to believe it."""

from app import explain_words as words


def test_attention_is_trusted_as_far_as_figures_say():
    assert "agrees with what counts" in words.trust(0.8, 2.0, 1.0)
    assert "its order is not to be trusted" in words.trust(0.3, 2.0, 1.0)
    assert "is not to be trusted here" in words.trust(0.8, 1.0, 2.0)
    assert words.trust(None, None, None) == "This policy has no attention."


def test_what_was_lifted_is_counted():
    assert words.named(1, 1, together=False).startswith("1 decision has a constraint for a reason")
    assert "other" not in words.named(1, 1, together=False)
    text = words.named(15, 12, together=True)
    assert "15 decisions have" in text
    assert "for 12 of them" in text
    assert "the other 3" in text
    assert "agent type" in text


def test_pools_that_are_bound_together_are_named():
    assert "not 5." in words.bound(["cooldown"], 4, 5, ("chat",))
    assert "to own and shared together" in words.bound(["cooldown"], 4, 5, ("own", "shared"))
