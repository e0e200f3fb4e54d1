# ruff: noqa: RUF001  # Russian letters are what these tests are about
"""Codes as sentences, outside of the pages: as the pages say them."""

import re
from datetime import UTC, datetime

import pytest

from gateway.control import scale_words
from gateway.model.probe import CameraVerdict, Playable, ProbeFailure, Reason, StreamFacts
from gateway.model.remark import Remark, remark
from gateway.model.survey import Acceptance
from gateway.rtsp.verdict import judge_camera
from gateway.saying import Sayings
from gateway.store.record_page import page

RU, EN = Sayings("ru"), Sayings("en")
ENGLISH = re.compile(r"[A-Za-z]{4,} [a-z]{2,} [a-z]{2,}")


def test_a_failure_is_said_with_what_to_do() -> None:
    found = ProbeFailure("unreachable", "nothing answers", "look at the cable")
    assert RU.failure(found) == (
        "По этому адресу никто не отвечает.",
        "Проверьте питание и кабель камеры и её адрес.",
    )
    assert EN.failure(found) == ("nothing answers", "look at the cable")
    unheard = ProbeFailure("of-tomorrow", "it is new", "wait")
    assert RU.failure(unheard) == ("it is new", "wait"), "English is better than nothing"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (StreamFacts("H265", fps=25.0), ("H.265", "Основной поток: включите H.264", "каждые 50")),
        (StreamFacts("H264", b_frames=True), ("B-кадры", "отключите B-кадры")),
        (StreamFacts("H264", gop_s=9.0, fps=10.0), ("идут раз в 9 ", "(GOP, I-frame interval) 20")),
        (StreamFacts("H264", audio="AAC"), ("Звук в AAC", "G.711")),
    ],
)
def test_advice_names_what_was_measured_and_what_to_set(
    facts: StreamFacts, words: tuple[str, ...]
) -> None:
    (reason,) = judge_camera(facts, None).reasons
    said = " ".join(RU.advice(reason))
    assert [word for word in words if word not in said] == []
    assert not ENGLISH.search(said)
    assert EN.advice(reason) == (reason.text, reason.setting)


def test_a_clock_that_is_off_by_seconds_or_hours() -> None:
    near, far = (
        judge_camera(StreamFacts("H264"), None, clock_skew_s=skew).reasons[0]
        for skew in (-42.0, 7200.0)
    )
    assert RU.advice(near)[0].startswith("Часы камеры сбиты на 42 ")
    assert RU.advice(far)[0] == "Часы камеры сбиты на 2.0 ч."


def test_the_second_stream_comes_with_what_to_mend_in_the_first() -> None:
    verdict = judge_camera(StreamFacts("H265"), StreamFacts("H264", width=640, height=360))
    said, mend = RU.advice(verdict.reasons[-1])
    assert said.startswith("Жильцы получают второй поток")
    assert mend.startswith("Основной поток: включите H.264")


def test_a_remark_says_its_reason() -> None:
    found = remark("silent_onvif", "it does not talk", why="locked")
    assert "неверных паролей" in RU.remark(found)
    assert EN.remark(found) == "it does not talk"
    unheard = remark("silent_onvif", "it does not talk", why="of-tomorrow")
    assert RU.remark(unheard) == "it does not talk"


SIZES = [
    (
        scale_words.grows(1, 2, scale_words.many_viewers(4, 0.75, 1, 4)),
        "Стало 2 вместо 1. Зрителей 4 — это больше 75 % мест (1 × 4).",
    ),
    (
        scale_words.short(4, 2, scale_words.NO_LICENCE, scale_words.hot(0, 0.914)),
        "Нужно 4, а есть 2. Свободных лицензий больше нет. Процессор основного занят на 91 %.",
    ),
    (
        scale_words.short(
            3, 1, scale_words.machine_taken("memory", 0.8), scale_words.late(2, 0.04)
        ),
        (
            "Нужно 3, а есть 1. Память машины занята больше чем на 80 %. "
            "Дополнительный 2 отправляет с опозданием 4 % потоков."
        ),
    ),
    (
        scale_words.goes(3, 2, scale_words.calm(5, 2, 10.2), edges=(1, 3), moved=7),
        (
            "Становится 2 вместо 3. Зрителей 5; уже 10 мин хватило бы 2. "
            "Освобождаются дополнительные: 1, 3 (зрителей на них: 7)."
        ),
    ),
]


@pytest.mark.parametrize(("said", "russian"), SIZES)
def test_why_a_building_has_so_many_servers_is_said_whole(said: Remark, russian: str) -> None:
    assert RU.remark(said) == russian
    assert EN.remark(said) == said.text


def test_a_printed_record_is_in_one_language() -> None:
    reasons = (Reason("b_frames", "it has B-frames", "switch them off", "main"),)
    record = Acceptance(
        site="house",
        site_name={"ru": "Ленина, 12"},
        camera="door",
        camera_name={"ru": "Дверь"},
        when=datetime(2026, 5, 5, tzinfo=UTC),
        who="Иван",
        verdict=CameraVerdict(Playable.SOMEWHERE, "main", "main", {}, reasons),
    )
    assert "Основной поток: отключите B-кадры" in page(record, "ru", RU.mend)
    assert "switch them off" in page(record, "en", EN.mend)
