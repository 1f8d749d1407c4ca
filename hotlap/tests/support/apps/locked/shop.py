"""FastAPI: one lock, held over an await; and the same list encoded by two JSON libraries."""

import asyncio
import json

import orjson
from fastapi import FastAPI, Response

app = FastAPI()
_stock = asyncio.Lock()
_lines = [{"sku": f"sku-{number}", "price": number / 7, "tags": ["a", "b", "c"]} for number in range(4000)]


@app.get("/book")
async def book() -> dict[str, bool]:
    """Everybody waits for the one who asks the warehouse."""
    async with _stock:
        await asyncio.sleep(0.02)
    return {"booked": True}


@app.get("/json/{lines}")
async def with_json(lines: int) -> Response:
    return Response(json.dumps(_lines[-lines * 4000 :], separators=(",", ":")), media_type="application/json")


@app.get("/orjson/{lines}")
async def with_orjson(lines: int) -> Response:
    return Response(orjson.dumps(_lines[-lines * 4000 :]), media_type="application/json")
