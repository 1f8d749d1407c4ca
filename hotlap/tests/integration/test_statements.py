"""The probe counts what a process sends to databases: each statement once, with the function that sent it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotlap.profiling import probe
from hotlap.profiling.attribution import own_of

SITE = Path(probe.__file__).with_name("site")
HEAD = "import hotlap_statements; hotlap_statements.watch()\n"
TAIL = "\nimport json; print(json.dumps(hotlap_statements.statements()['statements']))"

SQLITE = """
import sqlite3
connection = sqlite3.connect(":memory:")
def customer_of(number):
    connection.execute("select 'a', ?", (number,)).fetchall()
for number in range(5):
    customer_of(number)
"""
SQLALCHEMY = """
from sqlalchemy import create_engine, text
engine = create_engine("sqlite://")
def customer_of(connection, number):
    connection.execute(text("select :number"), {"number": number}).all()
with engine.connect() as connection:
    for number in range(5):
        customer_of(connection, number)
"""
SQLALCHEMY_ASYNC = """
import asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
engine = create_async_engine("sqlite+aiosqlite://")
async def customer_of(connection, number):
    await connection.execute(text("select :number"), {"number": number})
async def main():
    async with engine.connect() as connection:
        for number in range(5):
            await customer_of(connection, number)
    await engine.dispose()
asyncio.run(main())
"""
AIOSQLITE = """
import asyncio
import aiosqlite
async def customer_of(connection, number):
    async with connection.execute("select ?", (number,)) as cursor:
        await cursor.fetchall()
async def main():
    async with aiosqlite.connect(":memory:") as connection:
        for number in range(5):
            await customer_of(connection, number)
asyncio.run(main())
"""
DJANGO = """
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
import django
django.setup()
from django.db import connection
def customer_of(cursor, number):
    cursor.execute("select %s", [number])
with connection.cursor() as cursor:
    hotlap_statements.statements()
    for number in range(5):
        customer_of(cursor, number)
"""
DRIVER = """
from pymysql.cursors import Cursor
def customer_of(number):
    Cursor().execute("select %s", (number,))
for number in range(5):
    customer_of(number)
"""
STAND_IN = """
class Cursor:
    def execute(self, query, args=None):
        return self.execute_all([query])
    def execute_all(self, queries):
        return len(queries)
"""


@pytest.mark.parametrize(
    ("script", "sql"),
    [
        (SQLITE, "select ?, ?"),
        (SQLALCHEMY, "select ?"),
        (SQLALCHEMY_ASYNC, "select ?"),
        (AIOSQLITE, "select ?"),
        (DJANGO, "select %s"),
        (DRIVER, "select %s"),
    ],
    ids=["sqlite3", "sqlalchemy", "sqlalchemy-async", "aiosqlite", "django", "pymysql"],
)
def test_each_statement_is_counted_once(tmp_path: Path, script: str, sql: str) -> None:
    """Through whatever it is sent; ``pymysql`` is a stand-in, as there is no server here to connect to."""
    if script is DRIVER:
        (tmp_path / "pymysql").mkdir()
        (tmp_path / "pymysql" / "__init__.py").write_text("")
        (tmp_path / "pymysql" / "cursors.py").write_text(STAND_IN)
    (tmp_path / "shop.py").write_text(HEAD + script + TAIL)
    path = os.pathsep.join([str(SITE), str(tmp_path)])
    done = subprocess.run(
        [sys.executable, "-P", "shop.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [one for one in json.loads(done.stdout) if "select" in one["sql"].lower()]
    assert {(one["sql"], one["count"]) for one in told} == {(sql, 5)}
    found = own_of(told[0]["stack"], tmp_path)
    assert found is not None
    assert found[0].split(".")[-1] == "customer_of"
    assert found[1].startswith("shop.py:")
