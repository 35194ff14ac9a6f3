"""How patient the jobs are, and how polite."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds of the jobs; all times are in seconds.

    `tries` is how often work is tried that may work later, `unknown_tries` work that ends in an exception nobody
    foresaw, `deaths` how many processes may end while it runs. The wait before the next try is doubled from `backoff`
    to at most `longest_wait`; a wait that the Hub asks for counts when it is longer, up to `asked_wait`.
    `owner_per_hour` is how many jobs of one owner's repositories start in an hour; the rest wait. A process that has
    not been heard of for `silence` is dead, and a look for such is taken every `sweep`. When no process has listened to
    the gpu queue for `no_gpu`, what waits there is done without a GPU. Finished jobs are forgotten after `keep`.
    """

    tries: int = 10
    unknown_tries: int = 3
    deaths: int = 8
    backoff: float = 10.0
    longest_wait: float = 3600.0
    asked_wait: float = 86_400.0
    owner_per_hour: int = 60
    poll: float = 0.5
    beat: float = 5.0
    silence: float = 30.0
    sweep: float = 10.0
    no_gpu: float = 3600.0
    keep: float = 7 * 86_400.0

    def wait(self, tries: int, asked: float) -> float:
        """Return how long to wait after `tries` tries. With jitter: what failed together is not tried together."""
        doubled = min(self.longest_wait, self.backoff * 2.0 ** max(0, min(tries, 40) - 1))
        return max(doubled * random.uniform(0.5, 1.0), min(max(asked, 0.0), self.asked_wait))
