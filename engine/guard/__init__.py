"""The ordered constraints between what a policy proposes and what is applied.

quantise → carbon mask → SLO floor → limits → rate → cooldown → budget → placement → hold. Each
stage that changes something leaves a line with before, after and reason.
"""

from engine.guard.chain import Applied, Chain
from engine.guard.record import Kept, Stage

__all__ = ["Applied", "Chain", "Kept", "Stage"]
