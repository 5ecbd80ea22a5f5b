from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from chalicelib.documents import Difference, Night
from chalicelib.gate import evidence, promotion
from chalicelib.gate.promotion import Bars, Verdict, decide
from chalicelib.vocabulary import metrics

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


def judge(
    candidate: float,
    live: float | None,
    bars: Bars = BARS,
    users: int = 200,
    run: str = "",
    before: Sequence[Night] = (),
) -> Verdict:
    truth = dict(list(TRUTH.items())[:users])
    popularity = dict.fromkeys(USERS, POPULAR)
    return decide(
        truth,
        answers(candidate),
        popularity,
        None if live is None else answers(live, seed=1),
        bars,
        run=run,
        before=before,
    )


def test_a_first_version_well_above_popularity_is_promoted() -> None:
    decision = judge(0.9, None)
    assert (decision.action, decision.evidence) == ("promote", "first version")
    assert "above 1.1 x popularity" in " ".join(decision.reasons)


def test_without_a_floor_nothing_is_claimed_of_a_first_version() -> None:
    decision = judge(0.1, None, bars=replace(BARS, over_popularity=0))
    assert decision.action == "promote"
    assert decision.reasons == (
        "Promoted: nothing is live that it could harm, and no floor over popularity is set.",
    )


def test_a_first_version_below_the_floor_is_held() -> None:
    assert judge(0.02, None).action == "hold"


def test_a_worse_candidate_is_held() -> None:
    decision = judge(0.5, 0.9)
    assert (decision.action, decision.evidence) == ("hold", "worse")
    assert "at worst" in " ".join(decision.reasons)


def test_a_better_candidate_is_promoted() -> None:
    assert judge(0.95, 0.6) == judge(0.95, 0.6)
    assert judge(0.95, 0.6).evidence == "better"


def test_a_sample_that_cannot_tell_says_so_and_follows_the_config() -> None:
    unsure = judge(0.8, 0.8)
    assert (unsure.action, unsure.evidence) == ("hold", "not enough evidence")
    bold = Bars(NDCG, 1.1, 0.02, "promote")
    assert judge(0.8, 0.8, bold).action == "promote"


@pytest.mark.parametrize("users", [0, 5, evidence.MIN_USERS - 1])
def test_too_few_users_are_not_enough_evidence_however_good_the_candidate(users: int) -> None:
    decision = judge(1.0, 0.1, users=users)
    assert (decision.action, decision.evidence) == ("hold", "not enough evidence")


def test_a_first_version_without_evidence_against_it_is_promoted() -> None:
    decision = decide({}, {}, {}, None, BARS)
    assert (decision.action, decision.evidence) == ("promote", "not enough evidence")


def test_a_user_without_an_answer_counts_as_zero() -> None:
    assert promotion.per_user(NDCG, {}, {"u": frozenset({"a"})}) == [0.0]


def test_a_candidate_as_good_as_live_is_promoted_as_not_worse_with_its_bound() -> None:
    same = {user: [*sorted(TRUTH[user]), "x"] for user in USERS}
    found = decide(TRUTH, same, answers(0.0), same, BARS)
    assert (found.action, found.evidence) == ("promote", "not worse")
    assert "0.0% above live's (1.0000) over 200 users, at worst 0.0% above" in found.reasons[1]
    assert "2.0% less is tolerated" in found.reasons[1]


def test_the_bars_are_said_in_terms_of_ndcg_and_scaled_to_the_metric() -> None:
    deep = Bars(metrics.DEFAULT, over_popularity=1.1, max_regression=0.03, when_unsure="hold")
    scale = metrics.METRICS[metrics.DEFAULT].scale
    assert deep.tolerance == pytest.approx(0.03 * scale)
    assert deep.floor == pytest.approx(1 + 0.1 * scale)
    assert Bars(metrics.DEFAULT, 0, 0.03, "hold").floor == 0


def night(run: str, to_live: float, users: int = 200, deviation: float = 0.1) -> Night:
    return Night(
        run=run,
        users=users,
        live=0.5,
        to_live=Difference(to_live, deviation**2),
        to_floor=Difference(0.3, deviation**2),
    )


def test_earlier_nights_against_the_same_live_version_count() -> None:
    alone = judge(0.8, 0.8)
    pooled = judge(0.8, 0.8, before=[night(f"r{n}", 0.012, users=1000) for n in range(5)])
    assert (alone.evidence, pooled.action) == ("not enough evidence", "promote")
    assert "over 5,200 users of 6 nights" in pooled.reasons[1]


def test_a_candidate_worse_on_its_own_night_is_not_carried_by_earlier_ones() -> None:
    best = [night(f"r{n}", 0.3, users=1000) for n in range(5)]
    assert judge(0.5, 0.9, before=best).evidence == "worse"


def test_a_run_that_is_judged_again_counts_its_night_once() -> None:
    first = judge(0.8, 0.8, run="r1")
    assert first.night is not None
    assert judge(0.8, 0.8, run="r1", before=[first.night]) == first


def test_a_held_candidate_is_told_what_would_settle_it_and_what_the_gate_sees() -> None:
    assert "more than 60 nights of 200 users" in " ".join(judge(0.8, 0.8).reasons)
    told = " ".join(judge(0.8, 0.8, Bars(NDCG, 1.1, 0.1, "hold")).reasons)
    assert re.search(r"For a candidate as good as live about \d+ more nights of 200 users", told)
    assert "users at once" in told
    assert re.search(r"With 200 users this gate sees a loss of [\d.]+% in 8 of 10 cases", told)


def test_how_many_users_are_wanted_follows_from_how_much_they_differ() -> None:
    assert promotion.users_wanted([], BARS, 0.03) == 0
    few = promotion.users_wanted([night("r1", 0.01, deviation=0.05)], BARS, 0.03)
    many = promotion.users_wanted([night("r1", 0.01, deviation=0.1)], BARS, 0.03)
    assert many == pytest.approx(4 * few, rel=0.01)
    assert many > promotion.users_wanted([night("r1", 0.01)], BARS, 0.06) > 0
