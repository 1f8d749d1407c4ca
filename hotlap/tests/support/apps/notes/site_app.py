"""A Django site: a login with a session, forms with CSRF tokens, and notes in SQLite whose titles are unique."""

from pathlib import Path

import django
from django.conf import settings

TEMPLATES = {
    "login.html": "<form method=post>{% csrf_token %}{{ form }}<button>Log in</button></form>",
    "list.html": """<a href="/notes/new/">new</a><ul>{% for note in notes %}
        <li><a href="/notes/{{ note.pk }}/">{{ note.title }}</a>{% endfor %}</ul>""",
    "note.html": '<h1>{{ note.title }}</h1><p>{{ note.text }}</p><a href="/notes/{{ note.pk }}/edit/">edit</a>',
    "form.html": "<form method=post>{% csrf_token %}{{ form }}<button>Save</button></form>",
}
settings.configure(
    SECRET_KEY="for-this-test-alone-and-long-enough-to-be-one",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": Path(__file__).with_name("notes.sqlite3"),
            "OPTIONS": {"timeout": 30, "transaction_mode": "IMMEDIATE"},
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "notes_app",
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    # Of a test: a login is to be quick.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    LOGIN_URL="/login/",
    LOGIN_REDIRECT_URL="/notes/",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "context_processors": ["django.template.context_processors.request"],
                "loaders": [("django.template.loaders.locmem.Loader", TEMPLATES)],
            },
        }
    ],
)
django.setup()

from django.contrib.auth.decorators import login_required  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.auth.views import LoginView  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.forms import modelform_factory  # noqa: E402
from django.shortcuts import get_object_or_404, redirect, render  # noqa: E402
from django.urls import path  # noqa: E402
from notes_app.models import Note  # noqa: E402

call_command("migrate", run_syncdb=True, verbosity=0)
if not User.objects.exists():
    ann = User.objects.create_user("ann", password="the password of ann")
    Note.objects.bulk_create(Note(title=f"note {number}", author=ann) for number in range(20))

NoteForm = modelform_factory(Note, fields=["title", "text"])


@login_required
def notes(request):
    found = Note.objects.filter(title__contains=request.GET.get("q", "")).order_by("pk")[:20]
    return render(request, "list.html", {"notes": found})


@login_required
def note(request, pk):
    return render(request, "note.html", {"note": get_object_or_404(Note, pk=pk)})


@login_required
def new(request):
    form = NoteForm(request.POST or None, instance=Note(author=request.user))
    if request.method == "POST" and form.is_valid():
        return redirect(f"/notes/{form.save().pk}/")
    return render(request, "form.html", {"form": form})


@login_required
def edit(request, pk):
    form = NoteForm(request.POST or None, instance=get_object_or_404(Note, pk=pk))
    if request.method == "POST" and form.is_valid():
        return redirect(f"/notes/{form.save().pk}/")
    return render(request, "form.html", {"form": form})


urlpatterns = [
    path("login/", LoginView.as_view(template_name="login.html")),
    path("notes/", notes),
    path("notes/new/", new),
    path("notes/<int:pk>/", note),
    path("notes/<int:pk>/edit/", edit),
]
app = get_wsgi_application()
