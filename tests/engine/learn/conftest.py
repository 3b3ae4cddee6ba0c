"""The fixtures of policies serve the learned one too."""

from tests.engine.policies.conftest import make_context

__all__ = ["make_context"]
