from __future__ import annotations

import random

import pytest

from chalicelib.gate import promotion
from chalicelib.gate.promotion import Bars, Verdict, decide

NDCG = "normalized_discounted_cumulative_gain_at_10"
BARS = Bars(NDCG, over_popularity=1.1, max_regression=0.02, when_unsure="hold")
USERS = [f"u{n:03d}" for n in range(200)]
TRUTH = {user: frozenset({f"i{n % 40}", f"i{(n + 7) % 40}"}) for n, user in enumerate(USERS)}
POPULAR = [f"i{n}" for n in range(25)]


def answers(hit_rate: float, seed: int = 0) -> dict[str, list[str]]:
    """The truth first for a share of the users, nothing of it for the others."""
    rng = random.Random(seed)
    miss = [f"x{n}" for n in range(25)]
    return {
        user: [*sorted(TRUTH[user]), *miss] if rng.random() < hit_rate else miss for user in USERS
    }


def judge(candidate: float, live: float | None, bars: Bars = BARS, users: int = 200) -> Verdict:
    truth = dict(list(TRUTH.items())[:users])
    popularity = dict.fromkeys(USERS, POPULAR)
    return decide(
        truth, answers(candidate), popularity, None if live is None else answers(live, seed=1), bars
    )


def test_a_first_version_well_above_popularity_is_promoted() -> None:
    decision = judge(0.9, None)
    assert (decision.action, decision.evidence) == ("promote", "first version")
    assert "above 1.1 x popularity" in " ".join(decision.reasons)


def test_a_first_version_below_the_floor_is_held() -> None:
    assert judge(0.02, None).action == "hold"


def test_a_worse_candidate_is_held() -> None:
    decision = judge(0.5, 0.9)
    assert (decision.action, decision.evidence) == ("hold", "worse")
    assert "below live less 2%" in " ".join(decision.reasons)


def test_a_better_candidate_is_promoted() -> None:
    assert judge(0.95, 0.6) == judge(0.95, 0.6)
    assert judge(0.95, 0.6).evidence == "better"


def test_a_sample_that_cannot_tell_says_so_and_follows_the_config() -> None:
    unsure = judge(0.8, 0.8)
    assert (unsure.action, unsure.evidence) == ("hold", "not enough evidence")
    bold = Bars(NDCG, 1.1, 0.02, "promote")
    assert judge(0.8, 0.8, bold).action == "promote"


@pytest.mark.parametrize("users", [0, 5, promotion.MIN_PAIRS - 1])
def test_too_few_users_are_not_enough_evidence_however_good_the_candidate(users: int) -> None:
    decision = judge(1.0, 0.1, users=users)
    assert (decision.action, decision.evidence) == ("hold", "not enough evidence")


def test_a_first_version_without_evidence_against_it_is_promoted() -> None:
    decision = decide({}, {}, {}, None, BARS)
    assert (decision.action, decision.evidence) == ("promote", "not enough evidence")


def test_a_user_without_an_answer_counts_as_zero() -> None:
    assert promotion.per_user(NDCG, {}, {"u": frozenset({"a"})}) == [0.0]


def test_the_interval_covers_the_mean_it_estimates() -> None:
    rng, covered = random.Random(7), 0
    for _ in range(300):
        found = promotion.interval([rng.gauss(0.1, 0.3) for _ in range(200)])
        covered += found.low <= 0.1 <= found.high
    assert 0.9 <= covered / 300 <= 0.99
