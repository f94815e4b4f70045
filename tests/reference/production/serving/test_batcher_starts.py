"""What it takes to start a batch, and how much one takes."""

import asyncio
import sys

from dojo.testing.loops import START, now, run_virtual
from reference.production.serving.batching import RequestBatcher


async def double(batch: list[int]) -> list[int]:
    return [2 * item for item in batch]


def test_to_start_a_batch_takes_no_look_at_all_who_wait() -> None:
    items, looks = 300, 0

    def count(_: object, event: str, what: object) -> None:
        nonlocal looks
        looks += event == "c_call" and getattr(what, "__name__", "") == "cancelled"

    async def main() -> None:
        batcher = RequestBatcher(double, 1)
        tasks = [asyncio.create_task(batcher.submit(item)) for item in range(items)]
        await asyncio.gather(*tasks)

    sys.setprofile(count)
    try:
        run_virtual(main)
    finally:
        sys.setprofile(None)
    assert 0 < looks < 10 * items


def test_several_batches_may_be_taken_in_one_go() -> None:
    async def main() -> None:
        batches: list[list[int]] = []

        async def predict(batch: list[int]) -> list[int]:
            batches.append(list(batch))
            return await double(batch)

        batcher = RequestBatcher(predict, 2, 1.0)
        batcher.most_at_once = 4
        # A batch is as soon due as ever.
        await asyncio.gather(*(batcher.submit(item) for item in range(2)))
        assert now() == START
        await asyncio.gather(*(batcher.submit(item) for item in range(7)))
        assert batches == [[0, 1], [0, 1], [2, 3, 4, 5], [6]]
        assert now() == START + 1.0

    run_virtual(main)
