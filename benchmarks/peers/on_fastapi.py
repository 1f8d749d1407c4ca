"""The peer on FastAPI, for uvicorn."""

import work
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

app = FastAPI()
for name, function in work.ENDPOINTS.items():
    app.get(f"/{name}", response_class=HTMLResponse)(function)
