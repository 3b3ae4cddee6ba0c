"""Which learner goes with which actor."""

from models.device import best_device
from models.dqn import Dqn
from models.sac import Array, Learner
from models.sac_options import DQN, Options, Sizes


def learner_of(options: Options, sizes: Sizes, seed: int, shift: Array, scale: Array) -> Learner:
    """A new learner: Soft Actor-Critic, or deep Q-learning for `dqn`; arguments as `Learner`.

    It learns on the GPU where there is one.
    """
    kind = Dqn if options.actor == DQN else Learner
    return kind(options, sizes, seed, shift, scale, best_device())
