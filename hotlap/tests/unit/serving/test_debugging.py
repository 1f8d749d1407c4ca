"""What a command line and variables tell of settings for development."""

from __future__ import annotations

import pytest

from hotlap.evidence.debugging import DebugSetting, SettingKind
from hotlap.serving.debugging import causes, of_process


def kinds(line: str, **env: str) -> set[str]:
    return {one.kind.value for one in of_process(line.split(), env)}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("python -m uvicorn --host 127.0.0.1 shop:app", set()),
        ("python -m uvicorn shop:app --reload", {"reloader"}),
        ("/venv/bin/python3.12 /venv/bin/uvicorn shop:app --reload", {"reloader"}),
        ("/venv/bin/python -m granian --interface asgi --reload shop:app", {"reloader"}),
        ("/venv/bin/python /venv/bin/fastapi dev shop.py", {"fastapi-dev", "reloader"}),
        ("fastapi dev --no-reload shop.py", {"fastapi-dev"}),
        ("fastapi run shop.py", set()),
        ("python -m flask --app shop run", {"werkzeug-server"}),
        ("flask --app shop run --debug", {"werkzeug-server", "flask-debug", "reloader"}),
        ("python manage.py runserver 8000", {"django-server", "reloader"}),
        ("python manage.py runserver --noreload", {"django-server"}),
        ("python -X dev -m granian shop:app", {"dev-mode"}),
        ("python -Xdev shop.py", {"dev-mode"}),
        ("python -W error -X utf8 shop.py --reload", set()),
        ("python -X tracemalloc=25 shop.py", {"tracemalloc"}),
        ("python -m coverage run --branch -m uvicorn shop:app --reload", {"coverage", "reloader"}),
        ("python -m coverage report", set()),
        ("python -m cProfile -o out manage.py runserver", {"profiler", "django-server", "reloader"}),
        ("python -m pdb shop.py", {"debugger"}),
        ("python -c import_uvicorn --reload", set()),
        ("shop-server --debug --reload", set()),
        ("", set()),
    ],
)
def test_a_command_line_tells_of_settings_for_development(line: str, told: set[str]) -> None:
    assert kinds(line) == told


def test_variables_tell_of_settings_for_development() -> None:
    assert kinds("", PYTHONASYNCIODEBUG="1") == {"asyncio-debug"}
    assert kinds("", PYTHONASYNCIODEBUG="0", PYTHONDEVMODE="", RUN_MAIN="false") == set()
    assert kinds("", PYTHONDEVMODE="1", WERKZEUG_RUN_MAIN="true") == {"dev-mode", "reloader"}
    (one,) = of_process([], {"PYTHONTRACEMALLOC": "5"})
    assert one.seen == "PYTHONTRACEMALLOC=5"


def test_what_another_setting_brings_along_is_not_told_besides() -> None:
    def one(kind: SettingKind, seen: str = "") -> DebugSetting:
        return DebugSetting(kind=kind, seen=seen)

    told = causes(
        [one(SettingKind.ASYNCIO_DEBUG), one(SettingKind.DEV_MODE, "first"), one(SettingKind.DEV_MODE)]
    )
    assert told == [one(SettingKind.DEV_MODE, "first")]
    assert causes([one(SettingKind.ASYNCIO_DEBUG)]) == [one(SettingKind.ASYNCIO_DEBUG)]
    assert causes([one(SettingKind.TRACER), one(SettingKind.COVERAGE)]) == [one(SettingKind.COVERAGE)]
