"""The peer on Litestar, for Granian."""

import work
from litestar import Litestar, MediaType, get

app = Litestar(
    [get(f"/{name}", media_type=MediaType.HTML)(function) for name, function in work.ENDPOINTS.items()]
)
