"""Which learner goes with which actor."""

from models.dqn import Dqn
from models.sac import Array, Learner
from models.sac_options import DQN, Options, Sizes


def learner_of(
    options: Options, sizes: Sizes, seed: int, shift: Array, scale: Array, device: str
) -> Learner:
    """A new learner: Soft Actor-Critic, or deep Q-learning for `dqn`; arguments as `Learner`."""
    kind = Dqn if options.actor == DQN else Learner
    return kind(options, sizes, seed, shift, scale, device)
