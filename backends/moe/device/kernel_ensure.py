"""The kernel that gives every expert of a step a slot, and says what must be fetched for it.

One program of one warp: a layer's slots live in its registers, so each look-up is a few shuffles.
"""

from __future__ import annotations

import triton
import triton.language as tl

NOTHING = tl.constexpr(0)
PREFIX = tl.constexpr(1)
WHOLE = tl.constexpr(2)
REST = tl.constexpr(3)


@triton.jit
def ensure(
    experts,  # int, (selections,): expert of each selection
    shares,  # float, (selections,): its gate share
    expert_of_slot,  # int32, (slots,): -1 where empty
    rank_of_slot,  # int32, (slots,): the slot with the least is given away first
    level_of_slot,  # int32, (slots,): 1 where only the prefix is there, 2 where all is
    clock,  # int32, (1,): steps of this layer
    slots,  # int32 out, (selections,): slot of each selection
    fetches,  # int32 out, (selections,): NOTHING, PREFIX, WHOLE or REST
    levels,  # int32 out, (selections,): level at which it will be computed
    counts,  # int64, (4,): selections, misses, prefixes and rests fetched so far
    little,  # float32, (tokens,): grows by the shares computed at level 1
    first_slot,  # int: the layer's first slot in the arena
    tau,  # float: misses with a smaller share get the prefix
    SELECTION_COUNT: tl.constexpr,
    TOP_K: tl.constexpr,
    PADDED_TOKENS: tl.constexpr,
    SLOT_COUNT: tl.constexpr,
    PADDED_COUNT: tl.constexpr,
    FREQUENT: tl.constexpr,  # rank by use count in place of the last use
):
    """Give each selection a slot and say what must be fetched; one program."""
    place = tl.arange(0, PADDED_COUNT)
    there = place < SLOT_COUNT
    expert = tl.load(expert_of_slot + place, mask=there, other=-2)
    rank = tl.load(rank_of_slot + place, mask=there, other=2147483647)
    level = tl.load(level_of_slot + place, mask=there, other=0)
    now = tl.load(clock) + 1
    used = place < 0
    for i in range(SELECTION_COUNT):
        used = used | (expert == tl.load(experts + i).to(tl.int32))
    missed = 0
    prefixes = 0
    rests = 0
    for i in range(SELECTION_COUNT):
        wanted = tl.load(experts + i).to(tl.int32)
        share = tl.load(shares + i).to(tl.float32)
        match = expert == wanted
        hit = tl.max(match.to(tl.int32), 0)
        # What this step uses is never given away.
        victim = tl.argmin(tl.where(used, 2147483646, rank), 0)
        slot = tl.where(hit > 0, tl.argmax(match.to(tl.int32), 0), victim)
        here = place == slot
        known = tl.max(tl.where(here & match, level, 0), 0)
        small = share < tau
        fetch = tl.where(hit > 0, tl.where(known == 1, REST, NOTHING), tl.where(small, PREFIX, WHOLE))
        tl.store(slots + i, slot.to(tl.int32) + first_slot)
        tl.store(fetches + i, fetch)
        level = tl.where(here, tl.where(fetch == PREFIX, 1, 2), level)
        if FREQUENT:
            rank = tl.where(here, tl.where(hit > 0, rank + 1, 1), rank)
        else:
            rank = tl.where(here, now, rank)
        expert = tl.where(here, wanted, expert)
        used = used | here
        missed += tl.where(hit > 0, 0, 1)
        prefixes += tl.where(fetch == PREFIX, 1, 0)
        rests += tl.where(fetch == REST, 1, 0)
    token = tl.arange(0, PADDED_TOKENS)
    inside = token < SELECTION_COUNT // TOP_K
    small_share = tl.load(little + token, mask=inside, other=0.0)
    for i in range(SELECTION_COUNT):
        # Looked up again: a later selection of the same step may have brought the rest.
        reached = tl.max(tl.where(expert == tl.load(experts + i), level, 0), 0)
        tl.store(levels + i, reached)
        share = tl.where(reached == 1, tl.load(shares + i).to(tl.float32), 0.0)
        small_share += tl.where(token == i // TOP_K, share, 0.0)
    tl.store(little + token, small_share, mask=inside)
    tl.store(expert_of_slot + place, expert, mask=there)
    tl.store(rank_of_slot + place, rank, mask=there)
    tl.store(level_of_slot + place, level, mask=there)
    tl.store(clock, now)
    tl.store(counts, tl.load(counts) + SELECTION_COUNT)
    tl.store(counts + 1, tl.load(counts + 1) + missed)
    tl.store(counts + 2, tl.load(counts + 2) + prefixes)
    tl.store(counts + 3, tl.load(counts + 3) + rests)
