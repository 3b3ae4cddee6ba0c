"""The ordered constraints between what a policy proposes and what is applied.

quantise → size → carbon mask → SLO floor → limits → rate → cooldown → budget → placement → hold.
Each stage that changes something leaves a line with before, after and reason. The stage of the
size asks the others in their order whether workers may have the size that is proposed.
"""

from engine.guard.chain import Chain
from engine.guard.record import Applied, Aside, Kept, Stage
from engine.guard.sizes import Bill, Wish

__all__ = ["Applied", "Aside", "Bill", "Chain", "Kept", "Stage", "Wish"]
