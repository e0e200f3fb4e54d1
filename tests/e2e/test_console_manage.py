"""What administrators do in the console: buildings, cameras, the audit; and what they are told."""
# ruff: noqa: RUF001  # the console speaks Russian

import asyncio
import csv
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from gateway.api.passwords import make_hash
from gateway.config.load import load
from gateway.demo.building import DemoBuilding
from gateway.kit.secret import Secret
from gateway.model.access import View, Way
from gateway.store.audit import AuditRecords
from tests.e2e.browser import PHONE, Screen, chromium, window
from tests.e2e.company import CREDENTIAL, PASSWORD, Company, Watcher, company_in
from tests.e2e.test_console import PATIENCE_MS, WORD, Scheme, all_good, sign_in, watch_policy
from tests.e2e.test_page_axe import violations
from tests.waiting import until

DESK = Screen(1280, 800)
ROWS = 120
EVIL = '<img src=x onerror="document.title=1">'

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("console"),
]

SITE = """\
# the corner house
name: {ru: "Ленина, 12", en: "Lenina 12"}
viewing: {access: public}
discovery:
  subnets: [127.0.0.1/32]
  credentials:
    - {username: viewer, password: {env: CAMERAS}}
    - {username: viewer, password: {env: CAMERAS_OLD}}
cameras:
  - {id: entrance-1, name: {ru: "Подъезд 1", en: "Entrance 1"}, onvif: "%s", rtsp: "%s",
     credential: {username: viewer, password: {env: CAMERAS}}}
"""


@asynccontextmanager
async def administered(root: Path, *, rows: int = 0) -> AsyncIterator[tuple[Company, DemoBuilding]]:
    """Give a company of one living house, with ``rows`` of audit from before."""
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    anna = {"name": "anna", "role": "administrator", "hash": make_hash(Secret(WORD))}
    async with company_in(root, accounts=[anna]) as company:
        try:
            await building.start(2)
            first = building.cameras[0]
            text = SITE % (first.onvif, first.rtsp)
            (company.sites / "house.yaml").write_text(text, encoding="utf-8")
            if rows:
                await watched_before(company.data, rows)
            await company.begin()
            await until(lambda: company.live("house"), within=60)
            yield company, building
        finally:
            await building.close()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the files' secrets; wait longer: a machine that is busy elsewhere is slow, not broken."""
    expect.set_options(timeout=PATIENCE_MS)
    for name in ("CAMERAS", "CAMERAS_OLD"):
        monkeypatch.setenv(name, PASSWORD)


async def watched_before(data: Path, rows: int) -> None:
    await asyncio.to_thread(data.mkdir, parents=True, exist_ok=True)
    audit = AuditRecords(data)
    began = time.time() - 86_400
    for number in range(rows):
        who = EVIL if number == rows - 1 else f"flat {number % 7}"
        view = View(
            play=f"p{number}",
            site="house",
            camera="entrance-1" if number % 2 else "yard",
            way=Way.TICKET,
            who=who,
            address="ab",
            website="https://uk.example",
            started=began + number * 60,
        )
        audit.begin(view)
        audit.end(f"p{number}", began + number * 60 + 30, "left")
    await audit.close()


async def test_switching_a_building_off_tells_who_would_be_cut_off(tmp_path: Path) -> None:
    async with (
        administered(tmp_path) as (company, _),
        chromium() as browser,
        window(browser, DESK, locale="en-GB") as viewer,
    ):
        page, refused = viewer.page, watch_policy(viewer.page)
        file = company.sites / "house.yaml"
        before = await asyncio.to_thread(file.read_text, "utf-8")
        await sign_in(viewer, company, "anna")
        await page.get_by_role("link", name="Lenina 12").click()
        async with Watcher(f"{company.url}/whep/house/entrance-1") as resident:
            await resident.more(5)
            await expect(page.get_by_role("link", name="1 watching now")).to_be_visible()
            await page.get_by_text("The building's settings").click()
            off = page.get_by_role("button", name="Switch the building off")
            await off.click()
            dialog = page.get_by_role("dialog")
            await expect(dialog).to_contain_text("The building's media server stops.")
            await expect(dialog).to_contain_text("1 viewer will be cut off.")
            assert await violations(page) == []
            await dialog.get_by_role("button", name="Cancel").click()
            assert await asyncio.to_thread(file.read_text, "utf-8") == before
            await resident.more(5)
            await off.click()
            await dialog.get_by_role("button", name="Switch the building off").click()
            await expect(page.locator(".head .state")).to_have_text("Switched off")
        text = await asyncio.to_thread(file.read_text, "utf-8")
        assert "enabled: false" in text
        assert "# the corner house" in text
        await page.get_by_role("button", name="Switch the building on").click()
        await expect(page.locator(".head .state")).to_contain_text("live", timeout=60_000)
        assert await asyncio.to_thread(file.read_text, "utf-8") == before
        assert viewer.complaints == []
        assert refused == []


async def test_somebody_else_was_faster(tmp_path: Path) -> None:
    async with (
        administered(tmp_path) as (company, _),
        chromium() as browser,
        window(browser, DESK) as viewer,
    ):
        page, file = viewer.page, company.sites / "house.yaml"
        await sign_in(viewer, company, "anna")
        await page.goto(f"{company.url}/console#/house")
        await page.get_by_text("Настройки дома").click()
        await page.get_by_role("button", name="Отключить дом").click()
        text = await asyncio.to_thread(file.read_text, "utf-8")
        await asyncio.to_thread(file.write_text, text + "# by hand\n", "utf-8")
        await page.get_by_role("dialog").get_by_role("button", name="Отключить дом").click()
        await expect(page.locator(".manage .said")).to_contain_text(
            "Файл дома тем временем изменили"
        )
        assert "enabled" not in await asyncio.to_thread(file.read_text, "utf-8")


async def test_a_building_is_added_named_and_removed(tmp_path: Path) -> None:
    async with (
        administered(tmp_path) as (company, _),
        chromium() as browser,
        window(browser, PHONE) as viewer,
    ):
        page = viewer.page
        await sign_in(viewer, company, "anna")
        await page.get_by_role("link", name="Добавить дом").click()
        await page.get_by_label("Название дома по-русски").fill("Мира, 5")
        assert await page.get_by_label("Короткое имя").input_value() == "mira-5"
        await page.get_by_label("Сети камер").fill("127.0.0.0/8")
        await page.get_by_label("Кто смотрит").select_option("staff")
        await page.get_by_role("button", name="Добавить и искать").click()
        await expect(page.locator("form .said")).to_contain_text("Так файл дома станет неверным")
        await all_good(page)
        await page.get_by_label("Сети камер").fill("127.0.0.1/32")
        await page.get_by_role("button", name="Добавить и искать").click()
        await page.get_by_role("button", name="Начать поиск").wait_for()
        made = (await asyncio.to_thread(load, company.sites)).sites["mira-5"]
        assert made.discovery.subnets == ("127.0.0.1/32",)
        assert made.discovery.credentials[0].reference == "env:CAMERAS"
        await page.get_by_role("link", name="К дому").click()
        await page.get_by_text("Настройки дома").click()
        await page.get_by_label("Название дома по-английски").fill("Mira 5")
        await page.locator(".manage").get_by_role("button", name="Сохранить").click()
        await until(lambda: "Mira 5" in (company.sites / "mira-5.yaml").read_text("utf-8"))
        await page.get_by_role("button", name="Удалить дом").click()
        remove = page.get_by_role("dialog").get_by_role("button", name="Удалить дом")
        await expect(remove).to_be_disabled()
        await page.get_by_label("Чтобы подтвердить").fill("mira-5")
        await remove.click()
        await expect(page.get_by_role("link", name="Мира, 5")).to_have_count(0)
        # On a phone the list is hidden meanwhile: that it lacks the building says little.
        await until((company.sites / "mira-5.yaml.removed").exists, within=PATIENCE_MS / 1000)
        assert [one for one in viewer.complaints if "400 (Bad Request)" not in one] == []


async def test_a_camera_is_checked_where_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        administered(tmp_path) as (company, building),
        chromium() as browser,
        window(browser, PHONE) as viewer,
    ):
        page = viewer.page
        await sign_in(viewer, company, "anna")
        await page.goto(f"{company.url}/console#/house")
        card = page.locator(".camera")
        await card.get_by_text("Изменить").click()
        began = time.monotonic()
        await card.get_by_role("button", name="Проверить сейчас").click()
        await card.get_by_text("Покажет любой браузер").wait_for()
        took = time.monotonic() - began
        await expect(card.locator(".sighting img")).to_be_visible()
        await all_good(page)
        await expect(card.get_by_text("Проверено за")).to_be_visible()
        await building.set_plugged("entrance-1", plugged=False)
        await card.get_by_role("button", name="Проверить сейчас").click()
        await expect(card.locator(".sighting .why")).to_contain_text("никто не отвечает")
        await building.set_plugged("entrance-1", plugged=True)
        await expect(card.locator(".told > .state").first).to_contain_text("В эфире")
        user = card.get_by_label("Пользователь камер")
        await user.select_option("viewer · env:CAMERAS_OLD")
        await card.get_by_role("button", name="Сохранить").click()
        await until(lambda: used(company) == "env:CAMERAS_OLD")
        assert PASSWORD not in await page.content()
        assert viewer.complaints == []
    with capsys.disabled():
        print(f"\n  from the tap to the verdict of one camera: {took:.1f} s")


def used(company: Company) -> str:
    """Return the reference of the user that entrance-1 is asked as."""
    (camera,) = load(company.sites).sites["house"].cameras
    return "" if camera.credential is None else camera.credential.reference


async def test_another_device_takes_a_cameras_place(tmp_path: Path) -> None:
    async with (
        administered(tmp_path) as (company, building),
        chromium() as browser,
        window(browser, DESK) as viewer,
    ):
        page = viewer.page
        await sign_in(viewer, company, "anna")
        await page.goto(f"{company.url}/console#/house")
        card = page.locator(".camera")
        await card.get_by_text("Изменить").click()
        await card.get_by_role("link", name="Заменить").click()
        await page.get_by_text("Найдите камеру, которая заменит «Подъезд 1».").wait_for()
        await page.get_by_text("Указать адрес вручную").click()
        await page.get_by_label("Адрес камеры").fill(building.cameras[1].onvif)
        await page.get_by_role("button", name="Проверить", exact=True).click()
        found = page.locator(".sighting")
        await found.get_by_role("button", name="Поставить на замену").click()
        assert await found.get_by_label("Место").input_value() == "entrance-1"
        async with Watcher(f"{company.url}/whep/house/entrance-1") as resident:
            await resident.more(5)
            await until(lambda: watched(company))
            await found.get_by_role("button", name="Заменить камеру").click()
            dialog = page.get_by_role("dialog")
            await expect(dialog).to_contain_text("Просмотр прервётся у 1 зрителя.")
            await dialog.get_by_role("button", name="Заменить камеру").click()
            await found.locator("camera-player[state=live]").wait_for()
        text = (company.sites / "house.yaml").read_text("utf-8")
        assert building.cameras[1].rtsp in text
        assert building.cameras[0].rtsp not in text


async def watched(company: Company) -> bool:
    site = await company.get("/api/v1/sites/house")
    return bool(site and site["cameras"][0]["viewers"])


async def test_the_audit_is_filtered_paged_and_saved(tmp_path: Path) -> None:
    async with (
        administered(tmp_path, rows=ROWS) as (company, _),
        chromium() as browser,
        window(browser, DESK, locale="en-GB") as viewer,
    ):
        page = viewer.page
        await sign_in(viewer, company, "anna")
        await page.locator(".buildings").get_by_role("link", name="Who watched").click()
        rows, notice = page.locator(".audit .rows > li"), page.locator(".audit .notice")
        await expect(rows).to_have_count(50)
        await expect(rows.first).to_contain_text(EVIL)
        assert await page.title() == "Console", "a subject is never markup"
        await all_good(page)
        more = page.get_by_role("button", name="Show more")
        for count in (100, ROWS):
            await more.click()
            await expect(rows).to_have_count(count)
        await expect(more).to_be_hidden()
        await page.get_by_label("Who", exact=True).fill("flat 3")
        await expect(notice).to_have_text(f"{len(range(3, ROWS - 1, 7))} viewings shown")
        await page.get_by_label("Building", exact=True).select_option("house")
        await page.get_by_label("Camera", exact=True).select_option("entrance-1")
        await expect(notice).to_have_text(
            f"{len([n for n in range(3, ROWS, 7) if n % 2])} viewings shown"
        )
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Save as a table").click()
        table = await asyncio.to_thread((await (await download.value).path()).read_text, "utf-8")
        lines = list(csv.DictReader(io.StringIO(table)))
        assert {line["who"] for line in lines} == {"flat 3"}
        assert {line["camera"] for line in lines} == {"entrance-1"}
        await page.get_by_label("Who", exact=True).fill("")
        await page.get_by_role("button", name="Watching now").click()
        await expect(notice).to_have_text("There are no such viewings.")
        assert viewer.complaints == []


async def test_what_is_wrong_in_the_files_is_told_by_weight(tmp_path: Path) -> None:
    async with (
        administered(tmp_path) as (company, _),
        chromium() as browser,
        window(browser, DESK) as viewer,
    ):
        page = viewer.page
        (company.sites / "mira-5.yaml").write_text("name: Мира\ncamera: []\n", "utf-8")
        (company.sites / "empty.yaml").write_text("name: Пустой\n", "utf-8")
        await sign_in(viewer, company, "anna")
        errors = page.locator(".files .problems")
        await expect(errors).to_contain_text("1 ошибка в файлах")
        await expect(errors).to_contain_text("mira-5.yaml:2: camera")
        await expect(errors).not_to_contain_text("empty.yaml")
        await page.get_by_text("1 замечание к файлам").click()
        await expect(page.locator(".files details")).to_contain_text("Предупреждение")
        assert await violations(page) == []
        await page.get_by_role("button", name="Убрать файл mira-5.yaml").click()
        await page.get_by_role("dialog").get_by_role("textbox").fill("mira-5")
        await page.get_by_role("button", name="Удалить дом").click()
        await expect(errors).to_have_count(0)
        assert (company.sites / "mira-5.yaml.removed").exists()


@pytest.mark.parametrize(
    ("locale", "scheme", "screen"),
    [("ru-RU", "light", PHONE), ("en-GB", "dark", PHONE), ("en-GB", "light", DESK)],
    ids=["phone-ru-light", "phone-en-dark", "desk-en-light"],
)
async def test_nobody_is_shut_out(
    tmp_path: Path, locale: str, scheme: Scheme, screen: Screen
) -> None:
    async with (
        administered(tmp_path, rows=3) as (company, _),
        chromium() as browser,
        window(browser, screen, locale=locale, scheme=scheme, reduced_motion=True) as viewer,
    ):
        page = viewer.page
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(f"{company.url}/console")
        await page.locator("#name").wait_for()
        assert await violations(page) == []
        await sign_in(viewer, company, "anna")
        await clean(page)
        await page.locator(".row").first.click()
        await page.locator(".camera summary").click()
        await page.locator(".manage summary").click()
        await page.locator("select:visible").first.wait_for()
        await clean(page)
        await page.locator(".manage .danger").click()
        await page.get_by_role("dialog").wait_for()
        await clean(page)
        await page.keyboard.press("Escape")
        for place, ready in (
            ("#//new", "#new-id"),
            ("#//views", ".audit .rows li"),
            ("#/house/find", ".finder"),
        ):
            await page.goto(f"{company.url}/console{place}")
            await page.locator(ready).first.wait_for()
            await clean(page)
        assert viewer.complaints == []


async def clean(page: Page) -> None:
    await all_good(page)
    assert await violations(page) == [], page.url
