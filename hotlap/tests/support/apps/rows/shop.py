"""Flask: a query for each row of another query."""

import sqlite3
import tempfile
from pathlib import Path

from flask import Flask, jsonify

app = Flask(__name__)
_file = Path(tempfile.mkdtemp(prefix="rows-")) / "shop.db"


def _fill() -> None:
    with sqlite3.connect(_file) as made:
        made.execute("create table purchase (id integer primary key, customer integer)")
        made.execute("create table customer (id integer primary key, name text)")
        made.executemany("insert into customer values (?, ?)", [(one, f"name {one}") for one in range(200)])
        made.executemany("insert into purchase values (?, ?)", [(one, one % 200) for one in range(200)])


_fill()


def customer_of(database: sqlite3.Connection, number: int) -> str:
    return database.execute("select name from customer where id = ?", (number,)).fetchone()[0]


@app.get("/purchases")
def purchases():
    database = sqlite3.connect(_file)
    rows = database.execute("select id, customer from purchase order by id").fetchall()
    told = [{"id": one, "customer": customer_of(database, number)} for one, number in rows]
    database.close()
    return jsonify(told)
