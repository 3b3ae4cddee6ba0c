"""The planner's part on judging, choosing and training policies."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from engine import runner
from engine.champion.stored import Election, Terms, elect
from engine.errors import CheckpointError
from engine.evaluate.families import FAMILIES
from engine.evaluate.judge import Cancel, Progress
from engine.evaluate.suite import evaluate
from engine.learn import adapt_shelf
from engine.learn.adapt import Adapted, adapt
from engine.learn.adapt import go_on as adapt_on
from engine.learn.adapt_loop import Tuning
from engine.learn.adapt_shelf import Shelved
from engine.learn.adapt_train import go_on as train_on
from engine.learn.adapt_train import planned, train_here
from engine.scenario import Scenario
from engine.store.duck import Store
from models.sac_options import MLP


class PolicyRuns:
    """The part of the planner that judges policies."""

    _store: Store

    def evaluate(
        self,
        *,
        suite: str | None = None,
        traces: Sequence[str] = (),
        policies: Sequence[str] = (),
        scenario: Scenario,
        from_s: float = 0.0,
        to_s: float | None = None,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
        fresh: bool = False,
        workers: int | None = None,
    ) -> dict[str, Any]:
        """Whole frontiers of policies on many days; see `engine.evaluate.suite.evaluate`.

        The family `smartscale` is judged as shipped; a policy with settings takes the one in use.
        """
        chosen = [name if name in FAMILIES else self.chosen(name) for name in policies]
        return evaluate(
            self._store, suite=suite, traces=traces, policies=chosen,
            scenario=scenario,
            from_s=from_s, to_s=to_s, progress=progress, cancel=cancel, fresh=fresh,
            workers=workers,
        )  # fmt: skip

    def elect(
        self,
        trace_key: str,
        *,
        scenario: Scenario,
        terms: Terms,
        at_s: float | None = None,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Election:
        """The rule or the learned policy, per pool; see `engine.champion.stored.elect`."""
        used = adapt_shelf.in_use(self._store.path)
        if terms.checkpoint is None and used is not None:
            terms = replace(terms, checkpoint=str(used))
        return elect(
            self._store, trace_key, scenario=scenario, terms=terms, at_s=at_s,
            progress=progress, cancel=cancel,
        )  # fmt: skip

    def adapt(
        self,
        trace_key: str,
        *,
        scenario: Scenario,
        name: str | None = None,
        tuning: Tuning | None = None,
        cold: bool = False,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
        device: str = "auto",
    ) -> Adapted:
        """Fine-tunes the allocator to a trace; see `engine.learn.adapt.adapt`."""
        return adapt(
            self._store, trace_key, scenario=scenario, name=name, tuning=tuning, cold=cold,
            progress=progress, cancel=cancel, device=device,
        )  # fmt: skip

    def train(
        self,
        name: str,
        *,
        episodes: int,
        cells: int,
        seed: int,
        lessons: int = 0,
        actor: str = MLP,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> dict[str, Any]:
        """Trains an allocator from scratch; see `engine.learn.adapt_train`."""
        plan = planned(episodes, cells, seed, lessons, actor)
        return train_here(self._store, name, plan, progress=progress, cancel=cancel)

    def resume_training(
        self, name: str, progress: Progress | None = None, cancel: Cancel | None = None
    ) -> None:
        """Goes on with a training that was stopped. Raises UsageError, CheckpointError."""
        found = adapt_shelf.find(self._store.path, name)
        again = adapt_on if found.plan["kind"] == "adapt" else train_on
        again(self._store, name, progress, cancel)

    def allocators(self) -> list[Shelved]:
        """Allocators trained beside this store, newest first, finished or not."""
        return adapt_shelf.all_of(self._store.path)

    def damaged_allocators(self) -> list[CheckpointError]:
        """What is wrong with those that cannot be read."""
        return adapt_shelf.damaged(self._store.path)

    def use_allocator(self, name: str | None) -> None:
        """Lets `smartscale` use one of them; None: the shipped one. Raises UsageError."""
        adapt_shelf.promote(self._store.path, name)

    def forget_allocator(self, name: str) -> None:
        """Removes one; if it was used, the shipped one is used again. Raises UsageError."""
        adapt_shelf.forget(self._store.path, name)

    def allocator_in_use(self) -> str | None:
        """Name of the one that `smartscale` uses; None: the shipped one.

        Raises:
            CheckpointError: it is gone.
        """
        folder = adapt_shelf.in_use(self._store.path)
        return None if folder is None else folder.name

    def chosen(self, policy: str) -> str:
        """A policy as typed, with the allocator in use where it takes one and names none.

        Raises:
            PolicyError: it cannot be read, found or loaded, or takes no such parameter.
            CheckpointError: the allocator in use is gone.
        """
        return str(runner.chosen(self._store, policy))
