"""Workers: processes, here or on a Ray cluster, that compute parts of a job side by side.

    with open_pool(Workers(4)) as pool:
        for key, result in computed(pool, compute, keys):   # as they come, in any order
            ...

What is computed is the same whoever computes it, so a job has the same result without workers. A
worker that dies takes nothing with it: what it had in hand is computed again.
"""

from __future__ import annotations

from ddcodec.workers.pool import ALONE, Pool, Workers, computed, open_pool

__all__ = ["ALONE", "Pool", "Workers", "computed", "open_pool"]
