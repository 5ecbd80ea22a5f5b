"""Trains the sequence model with torch.

Torch is optional (requirements/neural.txt) and imported only here, when asked for. Item vectors
start as the leading eigenvectors of log co-occurrence, so a few passes are enough. How long is
trained follows from the size of the data and the budget through a fixed price per event, never from
the clock. One thread and fixed seeds: the same data and seed give the same net.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import Histories, items_repeat, offsets
from recdrop.recommender.data.records import Array
from recdrop.recommender.parts.head import most_used
from recdrop.recommender.parts.markov import co_occurrences
from recdrop.recommender.parts.sequence import EPSILON, LEAST_WEIGHT, SequenceNet

Torch = Any
Tensor = Any
Progress = Callable[[float], None]

# What is covered, and below what there is nothing to learn.
MOST_ITEMS = 20_000
LEAST_ITEMS = 20
LEAST_EVENTS = 1_000
# The net.
WINDOW = 50
HEADS = 2
LAG_REACH = 4.0
MANY_USERS = 5_000
# A batch: about TOKENS events, of windows of like length out of a POOL of them.
TOKENS = 512
POOL = 4_096
# Up to FULL items the loss looks at all of them; beyond, at so many drawn ones.
FULL = 2_000
NEGATIVES = 1_000
# How long is trained. The prices were measured on one core, with width 64.
PASSES = 5.0
LEAST_PASSES = 1.0
SECONDS_PER_EVENT = 5e-5
SECONDS_PER_STEP_AND_ITEM = 4e-7
# The share of the steps in which the learning rate rises.
FIRST_SHARE = 0.15
LARGEST_GRADIENT = 1.0
LEAST_STEPS = 20


@dataclass(frozen=True)
class Recipe:
    """One net.

    It learns the `ahead` next events with weights exp(-(k - 1) / tau). Its item vectors start from
    co-occurrence within `near` events.
    """

    width: int = 64
    ahead: int = 4
    tau: float = 2.0
    near: int = 5
    dropout: float = 0.3
    rate: float = 2e-3


def recipes_for(users: int) -> tuple[Recipe, ...]:
    """One wide net for many users, two narrow ones for few.

    Of few users a wide net learns too much by heart; two that start from other seeds are better.
    """
    return (Recipe(width=128),) if users >= MANY_USERS else (Recipe(), Recipe())


def available() -> bool:
    """Whether torch is installed; it is not imported for the answer."""
    return importlib.util.find_spec("torch") is not None


def train_sequence(
    history: Histories,
    items: int,
    *,
    seed: int,
    budget_seconds: float,
    progress: Progress | None = None,
) -> SequenceNet | None:
    """The trained nets, or None.

    None without torch, with hardly any data, or when the budget does not pay for one pass over the
    events. `budget_seconds` are those of one core. `progress` is told the share done, 0 to 1.
    """
    covered, known = cover(history, items)
    users = int((np.diff(known.indptr) >= 2).sum())
    recipes = affordable(recipes_for(users), len(known), len(covered), budget_seconds)
    enough = users > 0 and len(covered) >= LEAST_ITEMS and len(known) >= LEAST_EVENTS
    if not recipes or not enough or not available():
        return None
    tell = progress or (lambda _share: None)
    nets = []
    for at, (recipe, passes) in enumerate(recipes):
        told = lambda share, at=at: tell((at + share) / len(recipes))  # noqa: E731
        nets.append(_train(known, len(covered), recipe, passes, seed + at, told))
    return SequenceNet(covered, tuple(nets), items_repeat(history))


def affordable(
    recipes: tuple[Recipe, ...], events: int, items: int, budget_seconds: float
) -> list[tuple[Recipe, float]]:
    """The nets to train, each with its passes over the events.

    All of them, or the first alone when there is no time for more, or none.
    """
    for chosen in (recipes, recipes[:1]):
        width = sum(recipe.width for recipe in chosen)
        seconds = (
            events * (SECONDS_PER_EVENT + SECONDS_PER_STEP_AND_ITEM * items / TOKENS) * width / 64
        )
        passes = min(PASSES, budget_seconds / max(seconds, 1e-9))
        if passes >= LEAST_PASSES:
            return [(recipe, passes) for recipe in chosen]
    return []


def cover(history: Histories, items: int) -> tuple[Array, Histories]:
    """The most used items (int32 codes, ascending), and the histories of them alone.

    Items in these histories are places in that list.
    """
    covered = most_used(np.bincount(history.item, minlength=items), MOST_ITEMS)
    known = history.take_events(
        (covered.place[history.item] >= 0) & (history.weight > LEAST_WEIGHT)
    )
    return covered.items, Histories(
        known.indptr, covered.place[known.item], known.weight, known.timestamp, known.row
    )


def targets(known: Histories, ahead: int, tau: float) -> tuple[Array, Array]:
    """What each event is to foretell: the next events and their weights.

    int64[events, ahead] places, and float32[events, ahead] weights that sum up to at most 1. The sum
    is the mean weight of the events: a row of events of weight 0.1 counts a tenth.
    """
    place = np.zeros((len(known), ahead), dtype=np.int64)
    share = np.zeros((len(known), ahead), dtype=np.float32)
    decayed = np.zeros((len(known), ahead), dtype=np.float32)
    end = np.repeat(known.indptr[1:], np.diff(known.indptr))
    for step in range(ahead):
        at = np.flatnonzero(np.arange(len(known)) + 1 + step < end)
        place[at, step] = known.item[at + 1 + step]
        decayed[at, step] = math.exp(-step / tau)
        share[at, step] = known.weight[at + 1 + step]
    return place, share * decayed / np.maximum(decayed.sum(axis=1, keepdims=True), 1e-9)


def item_vectors(known: Histories, items: int, recipe: Recipe, seed: int) -> Array:
    """float32[items, width]: leading eigenvectors of the log co-occurrence; rare items are shorter.

    A few rounds of subspace iteration: only the leading ones are needed, and those roughly.
    """
    rng = np.random.default_rng([seed, 1])
    counts = co_occurrences(known, items, window=recipe.near, tau=3.0)
    pairs = (counts + counts.T).tocoo()
    apart = pairs.row != pairs.col
    row, column, value = pairs.row[apart], pairs.col[apart], pairs.data[apart]
    uses = np.bincount(row, value, minlength=items) + 1.0
    # How much more often than by chance a pair occurs, and the log of that: popular items would
    # make up the leading eigenvectors otherwise.
    lifted = np.log1p(value * uses.sum() / (uses[row] * uses[column])).astype(np.float32)
    matrix = sparse.csr_matrix((lifted, (row, column)), shape=(items, items))
    basis = rng.normal(size=(items, min(items, recipe.width + 16))).astype(np.float32)
    # Each product turns the basis towards the leading eigenvectors; QR keeps it from collapsing.
    for _ in range(6):
        basis, _ = np.linalg.qr(matrix @ basis)
    values, vectors = np.linalg.eigh(basis.T @ (matrix @ basis))
    leading = np.argsort(-np.abs(values), kind="stable")[: recipe.width]
    found = np.zeros((items, recipe.width), dtype=np.float32)
    found[:, : len(leading)] = (basis @ vectors[:, leading]) * np.sqrt(np.abs(values[leading]))
    length = np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6)
    # Of an item used once or twice its neighbours are chance: a short vector claims little.
    known_well = np.minimum(1, np.sqrt(np.bincount(known.item, minlength=items) / 5.0))
    scaled: Array = (found / length * known_well[:, None]).astype(np.float32)
    return scaled


def start_weights(known: Histories, items: int, recipe: Recipe, seed: int) -> dict[str, Array]:
    """The arrays of a net before training, by the names of `sequence.NAMES`."""
    rng = np.random.default_rng([seed, 2])
    width = recipe.width
    popular = np.log(np.bincount(known.item, minlength=items) + 1.0)

    def square(rows: int, columns: int) -> Array:
        bound = 1 / math.sqrt(rows)
        return rng.uniform(-bound, bound, (rows, columns))

    found = {
        "item": item_vectors(known, items, recipe, seed),
        "bias": popular - popular.mean(),
        # Near events first, before anything is learnt: one head looks near, the next farther.
        "lag": -np.arange(WINDOW)[None, :] / (2 * LAG_REACH ** np.arange(HEADS))[:, None],
        **{name: square(width, width) for name in ("ask", "offer", "give", "mix")},
        "wide": square(width, 2 * width),
        "wide_bias": np.zeros(2 * width),
        "narrow": square(2 * width, width),
        "narrow_bias": np.zeros(width),
    }
    for name in ("before", "inner", "after"):
        found |= {f"{name}_scale": np.ones(width), f"{name}_shift": np.zeros(width)}
    return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in found.items()}


def _train(
    known: Histories, items: int, recipe: Recipe, passes: float, seed: int, told: Progress
) -> dict[str, Array]:
    torch = importlib.import_module("torch")
    start = start_weights(known, items, recipe, seed)
    rng = np.random.default_rng([seed, 3])
    # The number of batches varies a little with the random cuts: one pass is made to count them.
    batches_per_pass = sum(1 for _ in batches(known, np.random.default_rng([seed, 4])))
    steps = max(LEAST_STEPS, math.ceil(passes * batches_per_pass))
    place, share = targets(known, recipe.ahead, recipe.tau)
    rare = Negatives.of(known, items)
    with _repeatable(torch, seed):
        net = {name: torch.nn.Parameter(torch.as_tensor(value)) for name, value in start.items()}
        optimiser = torch.optim.Adam(net.values(), lr=recipe.rate, betas=(0.9, 0.98))
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, recipe.rate, total_steps=steps + 1, pct_start=FIRST_SHARE
        )
        for step, (at, real) in zip(range(steps), _endless(known, rng), strict=False):
            # Only events that are followed by something have anything to learn from.
            chosen = real & (share[at, 0] > 0)
            if not chosen.any():
                continue
            states = hidden_states(torch, net, known.item[at], known.weight[at], recipe.dropout)
            hidden = torch.nn.functional.dropout(states[torch.as_tensor(chosen)], recipe.dropout)
            loss = _loss(torch, net, hidden, place[at[chosen]], share[at[chosen]], rare, rng)
            optimiser.zero_grad()
            loss.backward()
            # One outlying batch would stay in the averages of Adam for many steps.
            torch.nn.utils.clip_grad_norm_(net.values(), LARGEST_GRADIENT)
            optimiser.step()
            schedule.step()
            if step % 50 == 0:
                told(step / steps)
        return {name: value.detach().numpy().copy() for name, value in net.items()}


@contextmanager
def _repeatable(torch: Torch, seed: int) -> Iterator[None]:
    """One thread, seeded, deterministic; leaves torch as it was."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict)


def hidden_states(torch: Torch, net: Any, item: Array, weight: Array, dropout: float) -> Tensor:
    """What `sequence.last_hidden` computes, for every place of every row: [rows, length, d].

    `item` are places [rows, length], oldest first, padded at the end.
    """
    drop, normal = torch.nn.functional.dropout, torch.nn.functional.layer_norm
    rows, length = item.shape
    heads, width = net["lag"].shape[0], net["item"].shape[1]

    def normed(values: Tensor, name: str) -> Tensor:
        return normal(values, (width,), net[f"{name}_scale"], net[f"{name}_shift"], EPSILON)

    def split(values: Tensor) -> Tensor:
        return values.view(rows, length, heads, -1).transpose(1, 2)

    events = drop(torch.nn.functional.embedding(torch.as_tensor(item).long(), net["item"]), dropout)
    before = normed(events, "before")
    ask, offer, give = (split(before @ net[name]) for name in ("ask", "offer", "give"))
    lag = torch.arange(length)[:, None] - torch.arange(length)[None, :]
    match = ask @ offer.transpose(-1, -2) / math.sqrt(width / heads)
    # Biases by lag stand in place of positions. Later events have a negative lag and are masked.
    match = match + net["lag"][:, lag.clamp(min=0)]
    attended = torch.as_tensor(np.log(np.maximum(weight, LEAST_WEIGHT)).astype(np.float32))
    match = match + attended[:, None, None, :]
    attention = drop(match.masked_fill(lag < 0, -1e9).softmax(-1), dropout)
    state = events + drop(
        (attention @ give).transpose(1, 2).reshape(rows, length, width) @ net["mix"], dropout
    )
    wide = torch.nn.functional.gelu(
        normed(state, "inner") @ net["wide"] + net["wide_bias"], approximate="tanh"
    )
    state = state + drop(drop(wide, dropout) @ net["narrow"] + net["narrow_bias"], dropout)
    return normed(state, "after")


@dataclass(frozen=True)
class Negatives:
    """How wrong items are drawn.

    `chance` float64[items] of each draw, `log_odds` float32[items]: the log of the chance to be among
    the candidates.
    """

    chance: Array
    log_odds: Array

    @classmethod
    def of(cls, known: Histories, items: int) -> Negatives:
        counts = np.bincount(known.item, minlength=items).astype(np.float64)
        chance = counts**0.75 / (counts**0.75).sum()
        return cls(
            chance, np.log(np.maximum(1 - (1 - chance) ** NEGATIVES, 1e-6)).astype(np.float32)
        )


def _loss(
    torch: Torch,
    net: Any,
    hidden: Tensor,
    place: Array,
    share: Array,
    rare: Negatives,
    rng: np.random.Generator,
) -> Tensor:
    """Cross entropy over all items, or over a sample of them.

    The sample holds the targets of the batch and popular draws; the logits are corrected for how
    likely each was drawn.
    """
    items, bias = net["item"], net["bias"]
    if len(bias) > FULL:
        drawn = rng.choice(len(bias), NEGATIVES, p=rare.chance)
        candidates = np.unique(np.concatenate([place[share > 0], drawn]))
        place = np.searchsorted(candidates, place).clip(0, len(candidates) - 1)
        rows = torch.as_tensor(candidates)
        items, bias = items[rows], bias[rows] - torch.as_tensor(rare.log_odds[candidates])
    logits = torch.nn.functional.linear(hidden, items, bias)
    weight = torch.as_tensor(share)
    missed = torch.logsumexp(logits, 1)[:, None] - logits.gather(1, torch.as_tensor(place))
    return (missed * weight).sum() / weight.sum()


def batches(known: Histories, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """One pass: event positions int64[rows, length] of about TOKENS events, and which of them are real.

    Like lengths go together, so that little is padding. Histories longer than WINDOW are cut into
    windows at a random offset: each pass cuts elsewhere.
    """
    start, length = _windows(known, rng)
    order = rng.permutation(len(start))
    found = []
    for first in range(0, len(order), POOL):
        pool = order[first : first + POOL]
        pool = pool[np.argsort(length[pool], kind="stable")]
        # Batches of about as many events, not of as many windows: a step costs about the same.
        group = np.cumsum(length[pool]) // TOKENS
        found.extend(np.split(pool, np.flatnonzero(np.diff(group)) + 1))
    for at in rng.permutation(len(found)):
        chosen = found[at]
        real = np.arange(length[chosen].max())[None, :] < length[chosen][:, None]
        yield (
            np.where(
                real,
                start[chosen][:, None] + np.arange(real.shape[1])[None, :],
                start[chosen][:, None],
            ),
            real,
        )


def _windows(known: Histories, rng: np.random.Generator) -> tuple[Array, Array]:
    """Starts and lengths of windows with at least two events."""
    offset = rng.integers(1, WINDOW + 1, known.users)
    lengths = np.diff(known.indptr)
    offset = np.where(lengths <= WINDOW, lengths, np.minimum(offset, lengths))
    later = -(-(lengths - offset) // WINDOW)
    first = offsets(later + 1)[:-1]
    place = np.arange(int((later + 1).sum())) - np.repeat(first, later + 1)
    begin = np.where(place == 0, 0, np.repeat(offset, later + 1) + (place - 1) * WINDOW)
    end = np.minimum(np.repeat(offset, later + 1) + place * WINDOW, np.repeat(lengths, later + 1))
    keep = end - begin >= 2
    return (np.repeat(known.indptr[:-1], later + 1) + begin)[keep], (end - begin)[keep]


def _endless(known: Histories, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    while True:
        yield from batches(known, rng)
