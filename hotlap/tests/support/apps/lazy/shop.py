"""Django: a template that asks for a row of the database for each line that it shows."""

import tempfile
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpResponse
from django.template import engines
from django.urls import path

settings.configure(
    DEBUG=False,
    SECRET_KEY="of a test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    USE_TZ=True,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": Path(tempfile.mkdtemp(prefix="lazy-")) / "shop.db",
        }
    },
)
application = get_wsgi_application()
PAGE = engines["django"].from_string("{% for one in purchases %}<p>{{ one.customer }}</p>{% endfor %}")


class Purchase:
    def __init__(self, number):
        self.number = number

    @property
    def customer(self):
        with connection.cursor() as cursor:
            cursor.execute("select name from customer where id = %s", [self.number])
            return cursor.fetchone()[0]


def _fill():
    with connection.cursor() as cursor:
        cursor.execute("create table customer (id integer primary key, name text)")
        cursor.executemany(
            "insert into customer values (%s, %s)", [(one, f"name {one}") for one in range(200)]
        )
    connection.close()


_fill()


def purchases(request):
    return HttpResponse(PAGE.render({"purchases": [Purchase(number) for number in range(200)]}))


urlpatterns = [path("purchases", purchases)]
