"""How the reference picks workers: by the same draws as the fast simulator, otherwise plainly."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.sim import kernel

if TYPE_CHECKING:
    from tests.reference.parts import Worker

MASK = (1 << 64) - 1


def bits(seed: int, number: int, purpose: int) -> int:
    """64 random bits: SplitMix64's finaliser over a sum of odd multiples."""
    z = seed * 0xD1342543DE82EF95 + number * 0x9E3779B97F4A7C15
    z = (z + (purpose + 1) * 0xDA942042E4DD58B5) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def below(seed: int, number: int, purpose: int, limit: int) -> int:
    """A random whole number from 0 to `limit` - 1."""
    return ((bits(seed, number, purpose) >> 32) * limit) >> 32


def share(seed: int, number: int, purpose: int) -> float:
    """A random number from 0 to 1, 1 excluded."""
    return (bits(seed, number, purpose) >> 11) / 2**53


def least_connections(routable: list["Worker"], seed: int, number: int, turn: int) -> "Worker":
    return min(routable, key=lambda w: (w.full, len(w.held), w.number))


def at_random(routable: list["Worker"], seed: int, number: int, turn: int) -> "Worker":
    return routable[below(seed, number, kernel.FOR_WORKER, len(routable))]


def round_robin(routable: list["Worker"], seed: int, number: int, turn: int) -> "Worker":
    return routable[turn % len(routable)]


def power_of_two(routable: list["Worker"], seed: int, number: int, turn: int) -> "Worker":
    first = at_random(routable, seed, number, turn)
    others = [worker for worker in routable if worker is not first]
    if not others:
        return first
    second = others[below(seed, number, kernel.FOR_OTHER_WORKER, len(others))]
    return min(first, second, key=lambda worker: len(worker.held))


ROUTERS: dict[int, Callable[[list["Worker"], int, int, int], "Worker"]] = {
    kernel.LEAST_CONNECTIONS: least_connections,
    kernel.RANDOM: at_random,
    kernel.ROUND_ROBIN: round_robin,
    kernel.POWER_OF_TWO: power_of_two,
}
