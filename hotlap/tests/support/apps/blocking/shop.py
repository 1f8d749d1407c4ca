"""Starlette: a call that blocks the event loop."""

import time

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


def ask_the_bank() -> str:
    time.sleep(0.03)
    return "paid"


async def pay(request):
    return PlainTextResponse(ask_the_bank())


app = Starlette(routes=[Route("/pay", pay)])
