"""What is said of a site's last step, for people and for programs."""

from gateway.control.last_step import done, failed, troubled
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.plan import Step, StepKind
from gateway.model.remark import NOTHING, Remark, remark

AWAY = GatewayError(ErrorKind.ENGINE_UNAVAILABLE, "Docker does not answer", "start it")


def test_a_step_that_was_taken_says_how_long_it_took_and_why() -> None:
    why = remark("not_pulled", "roof is not pulled yet", camera="roof")
    said = done(Step(StepKind.PULL, "house", "house-roof", why), 0.917)
    assert said.code == "done_pull"
    assert said.text == "asked for the video of house-roof in 0.92 s: roof is not pulled yet"
    assert dict(said.values) == {
        "target": "house-roof",
        "seconds": "0.92",
        "why": "not_pulled",
        "camera": "roof",
    }


def test_a_step_that_failed_names_the_kind_of_error() -> None:
    why = remark("no_server", "the site has no media server yet")
    said = failed(Step(StepKind.CREATE, "house", "house", why), AWAY)
    assert said == Remark(
        "failed_create",
        "could not create house: Docker does not answer (start it)",
        (("target", "house"), ("why", "engine_unavailable")),
    )
    assert troubled(AWAY) == Remark("troubled", str(AWAY), (("why", "engine_unavailable"),))


def test_the_empty_remark_says_nothing() -> None:
    assert not NOTHING
    assert troubled(AWAY)
    assert f"{troubled(AWAY)}" == str(AWAY)
