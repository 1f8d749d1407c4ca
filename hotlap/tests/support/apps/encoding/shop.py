"""Django in one file: JSON made in a loop, a line at a time."""

import json

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    DEBUG=False,
    SECRET_KEY="of a test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    USE_TZ=True,
)
LINES = [{"sku": f"sku-{number}", "price": number / 7, "tags": ["a", "b", "c"]} for number in range(3000)]


def export(request):
    body = ""
    for line in LINES:
        body += json.dumps(line, sort_keys=True) + "\n"
    return HttpResponse(body, content_type="application/x-ndjson")


urlpatterns = [path("export", export)]
application = get_wsgi_application()
